/** Everything about a declared API that would break a rollout's promises, and what its lacks mean, found before anything is touched. */

import type { Release } from '../../../plan/release.ts';
import { nameOf } from '../../../plan/release.ts';
import { formatBp, formatDuration } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import type { PreflightFinding } from '../../ports.ts';
import { isFenced, storesClaims } from './connection.ts';
import { sharesInWords, unready } from './reading.ts';
import { bpOf, placesOf, type Scene, see } from './scene.ts';
import type { Site } from './site.ts';

/** All findings at once; what cannot be reached is a finding too. */
export async function preflight(
  site: Site,
  weights: readonly number[],
  release: Release,
  signal?: AbortSignal,
): Promise<readonly PreflightFinding[]> {
  const scene = await seen(site, signal);
  return [
    ...weightFindings(site, weights),
    ...previewFindings(site),
    ...lacks(site),
    ...(scene instanceof ProviderError
      ? [problem('unreadable', `The weights cannot be read: ${scene.message}.`)]
      : sceneFindings(site, scene, release)),
  ];
}

async function seen(site: Site, signal?: AbortSignal): Promise<Scene | ProviderError> {
  try {
    return await see(site, signal);
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
}

function weightFindings({ connection, plan }: Site, weights: readonly number[]): PreflightFinding[] {
  const { granularityBp } = connection;
  return weights
    .filter((bp) => bp % granularityBp !== 0)
    .map((bp) =>
      problem(
        'granularity',
        `A weight of ${formatBp(bp)} cannot be set: connection ${plan.connection} declares steps of ${formatBp(granularityBp)}.`,
      ),
    );
}

function previewFindings({ connection, plan }: Site): PreflightFinding[] {
  const { preview: asked } = plan;
  const { preview: declared } = connection;
  if (asked === null) return [];
  const words = (one: NonNullable<typeof asked>): string => `${one.header}: ${one.value}`;
  if (declared === null) {
    return [problem('preview', `Connection ${plan.connection} declares no preview: take target.preview out.`)];
  }
  if (words(asked) === words(declared)) return [];
  const text = `Connection ${plan.connection} declares the preview header ${words(declared)}; target.preview asks for ${words(asked)}.`;
  return [problem('preview', text)];
}

/** What the target cannot do and what follows from it. */
function lacks({ connection, plan }: Site): PreflightFinding[] {
  const { calls, settlesMs } = connection;
  const findings: PreflightFinding[] = [];
  const name = `Connection ${plan.connection}`;
  if (!isFenced(connection)) {
    const wait = formatDuration(settlesMs);
    const text = `${name} cannot refuse a late write: after going back, ${wait} are waited out and zero is asserted again. A call that takes effect later than that raises traffic until the next look.`;
    findings.push(warning('not-fenced', text));
  }
  if (!storesClaims(connection)) {
    const text = `${name} stores no claim: nobody sees that a rollout holds route ${plan.route}, only the rollout's own id keeps a second one of this service away, and sluice zero must be told the releases.`;
    findings.push(warning('no-claim', text));
  }
  const undeclared = (['deploy', 'restore', 'retire'] as const).filter((verb) => calls[verb] === null);
  if (undeclared.length > 0) {
    const means = {
      deploy: 'the release must be started before',
      restore: 'nobody starts stable again when it is gone',
      retire: 'what lost goes on running',
    } as const;
    const text = `${name} declares no ${undeclared.join(', ')}: ${undeclared.map((verb) => means[verb]).join(', ')}.`;
    findings.push(warning('undeclared', text));
  }
  if (calls.read.find.places.every(({ ready }) => ready === null)) {
    const text = `${name} does not say how to tell whether a release is ready: it counts as ready as soon as the calls say yes.`;
    findings.push(warning('readiness', text));
  }
  return findings;
}

/** One release has everything, is known, and is not this one; this one can get there. */
function sceneFindings(site: Site, scene: Scene, release: Release): PreflightFinding[] {
  const findings: PreflightFinding[] = [];
  if (scene.claim.kind === 'foreign') {
    const text = `Something that is no claim of Sluice stands where connection ${site.plan.connection} stores claims: empty it, or declare another place.`;
    findings.push(problem('foreign-claim', text));
  }
  const isWhole = scene.places.some(({ digest }) => digest !== null && bpOf(scene, digest) === 10_000);
  if (!isWhole) {
    const text = `One release with a digest must have all traffic before a rollout starts; there is ${sharesInWords(scene)}.`;
    findings.push(problem('split-present', text));
  }
  const { deploy } = site.connection.calls;
  const why = unready(scene, release);
  if (deploy === null && why !== null) {
    const what = placesOf(scene, release.digest).length === 0 ? 'is not there' : 'is not ready';
    const text = `${nameOf(release)} ${what}, and connection ${site.plan.connection} declares no deploy call: start it first.`;
    findings.push(problem('not-deployed', text));
  }
  return findings;
}

function problem(code: string, message: string): PreflightFinding {
  return { level: 'problem', code: `http.${code}`, message };
}

function warning(code: string, message: string): PreflightFinding {
  return { level: 'warning', code: `http.${code}`, message };
}
