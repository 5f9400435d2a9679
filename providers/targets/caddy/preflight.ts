/** Everything about this Caddy that would break a rollout's promises, found before anything is touched. */

import type { JsonValue } from '../../../plan/plan.ts';
import type { Release } from '../../../plan/release.ts';
import { nameOf } from '../../../plan/release.ts';
import { formatBp } from '../../../plan/units.ts';
import { ProviderError } from '../../errors.ts';
import type { PreflightFinding } from '../../ports.ts';
import { otherSlot, type SlotName, slotNames } from './connection.ts';
import { askDoor, contentsOf, type DoorAnswer } from './contents.ts';
import { problem, warning } from './findings.ts';
import { isObject } from './json.ts';
import { previewFindings } from './preflight-preview.ts';
import { proxyFindings } from './preflight-proxy.ts';
import { sharesInWords } from './reading.ts';
import { blindness, look, type Scene, serversPath, type Sight, type Site } from './site.ts';
import { cycleOf } from './weights.ts';

/** All findings at once; what cannot be reached is a finding too. */
export async function preflight(
  site: Site,
  weights: readonly number[],
  release: Release,
  signal?: AbortSignal,
): Promise<readonly PreflightFinding[]> {
  const [caddy, door] = await Promise.all([seeCaddy(site, signal), askDoor(site, signal)]);
  const findings = [...weightFindings(weights), ...doorFindings(site, door)];
  if (caddy instanceof ProviderError) return [...findings, unreachable(caddy)];
  findings.push(...persistenceFindings(site, caddy.persist));
  findings.push(...previewFindings(site, caddy.servers));
  if (caddy.sight.kind !== 'scene') {
    return [...findings, problem('route', `Route ${site.plan.route}: ${blindness(caddy.sight)}.`)];
  }
  const { scene } = caddy.sight;
  return [
    ...findings,
    ...proxyFindings(site, scene),
    ...trafficFindings(site, scene, door),
    ...idleFindings(scene, door, release),
    ...(await hostFindings(site, scene, door, release, signal)),
  ];
}

interface SeenCaddy {
  readonly sight: Sight;
  readonly servers: JsonValue;
  /** `admin.config.persist`: whether Caddy keeps what was set through its API. */
  readonly persist: boolean;
}

async function seeCaddy(site: Site, signal?: AbortSignal): Promise<SeenCaddy | ProviderError> {
  try {
    const [sight, servers, admin] = await Promise.all([
      look(site, signal),
      site.admin.get(serversPath, signal),
      site.admin.get('/config/admin', signal),
    ]);
    const config = isObject(admin?.value) ? admin.value['config'] : undefined;
    return { sight, servers: servers?.value ?? null, persist: !(isObject(config) && config['persist'] === false) };
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
}

function unreachable(error: ProviderError): PreflightFinding {
  if (error.code !== 'denied') return problem('unreachable', `Caddy's admin API cannot be read: ${error.message}.`);
  return problem(
    'denied',
    `Caddy's admin API refuses us: ${error.message}. Allow the address under which the worker calls it in admin.origins; it also refuses whatever sends browser headers (Sec-Fetch-Mode), such as a gateway in between.`,
  );
}

/** Weights are integers of any size to Caddy, but it deals them in runs. */
function weightFindings(weights: readonly number[]): PreflightFinding[] {
  return weights.flatMap((bp) => {
    if (!Number.isInteger(bp) || bp < 0 || bp > 10_000) {
      return [
        problem('weight', `A weight of ${bp} basis points cannot be set: it must be a whole number from 0 to 10,000.`),
      ];
    }
    if (cycleOf(bp) <= 1_000) return [];
    const text = `Caddy deals ${formatBp(bp)} in runs over ${cycleOf(bp)} requests, so the canary gets its share in long bursts; a rounder weight spreads it.`;
    return [warning('blocky-weight', text)];
  });
}

function doorFindings(site: Site, door: DoorAnswer): PreflightFinding[] {
  return door.kind === 'slots' ? [] : [cannotBeAsked(site, door.reason)];
}

function cannotBeAsked({ door: { words } }: Site, reason: ProviderError): PreflightFinding {
  const name = words.name.replace(/^the/, 'The');
  return problem(words.code, `${name} cannot be asked: ${reason.message}.`);
}

/** What the door knows would fail; nothing when it is silent, since that is a finding already. */
async function hostFindings(
  site: Site,
  scene: Scene,
  door: DoorAnswer,
  release: Release,
  signal?: AbortSignal,
): Promise<readonly PreflightFinding[]> {
  if (door.kind === 'silent') return [];
  try {
    return await site.door.preflight(release, servingSlot(scene), signal);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return [cannotBeAsked(site, error)];
  }
}

function persistenceFindings(site: Site, persist: boolean): PreflightFinding[] {
  if (site.connection.persistence !== 'resume') return [];
  if (!persist) {
    return [
      problem(
        'persistence',
        'The connection declares persistence: resume, but Caddy is configured not to keep its configuration (admin.config.persist is false): a restart would bring back the old weights. Allow it, or declare a persistence hook.',
      ),
    ];
  }
  const text =
    'Caddy must be run with --resume (declared, cannot be seen from outside): without it a restart forgets weights and fence.';
  return [warning('persistence-unseen', text)];
}

/** One slot has everything and its release is known, or there is no way back to it. */
function trafficFindings(site: Site, scene: Scene, door: DoorAnswer): PreflightFinding[] {
  const findings: PreflightFinding[] = [];
  const serving = servingSlot(scene);
  if (scene.claimReading.kind === 'damaged') {
    const text =
      'The claim on the route (vars handler, key sluice) cannot be read: somebody changed it. Remove the handler once no rollout uses the route.';
    findings.push(problem('damaged-claim', text));
  }
  if (serving === null) {
    // Foreign upstreams are a finding of their own.
    if (scene.shares.unknownBp > 0) return findings;
    const text = `One slot must have all traffic before a rollout starts; Caddy has ${sharesInWords(scene)}. Give all traffic to the stable slot first.`;
    findings.push(problem('split-present', text));
  } else if (contentsOf(scene.claim, door)[serving] === null && door.kind === 'slots') {
    const { name, makeKnown } = site.door.words;
    const text = `Slot ${serving} serves, but ${name} does not say which release that is: ${makeKnown}.`;
    findings.push(problem('stable-unknown', text));
  }
  return findings;
}

function idleFindings(scene: Scene, door: DoorAnswer, release: Release): PreflightFinding[] {
  const serving = servingSlot(scene);
  if (serving === null || door.kind === 'silent') return [];
  const idle = otherSlot(serving);
  const { release: there, state } = door.slots[idle];
  const isFree = there === null || state === 'stopped' || there.digest === release.digest;
  if (isFree) return [];
  return [warning('idle-slot', `Slot ${idle} holds ${nameOf(there)} (${state}) without traffic; it will be replaced.`)];
}

function servingSlot(scene: Scene): SlotName | null {
  return slotNames.find((slot) => scene.shares.bySlot[slot] === 10_000) ?? null;
}
