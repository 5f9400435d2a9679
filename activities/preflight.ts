/** Everything that can be known before anything is touched: all problems at once. */

import { formatBp } from '../plan/units.ts';
import { planDigest } from '../plan/digest.ts';
import type { Plan } from '../plan/plan.ts';
import type { Release } from '../plan/release.ts';
import { nameOf } from '../plan/release.ts';
import type { Claim, Instance, Reading } from '../plan/target.ts';
import { shareOf } from '../plan/target.ts';
import { satisfiable } from '../approvals/satisfiable.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Target } from '../providers/ports.ts';
import type { Activities, Note, PreflightInput, PreflightReport } from './contract.ts';
import type { Ports } from './ports.ts';
import type { Findings } from './preflight-findings.ts';
import { checkCriteria, checkMetrics } from './preflight-metrics.ts';
import { verb } from './verb.ts';

/** One for each connection, so that none keeps another's trouble quiet. */
interface Collector extends Findings {
  /** Whether a problem that came through this one has these words. */
  hasTold(detail: string): boolean;
}

function collector(problems: Note[], warnings: Note[]): Collector {
  const told: string[] = [];
  return {
    problem: (code, sentence) => {
      const message = sentence.replace(/\.$/, ''); // they are joined
      told.push(message);
      problems.push({ code, message });
    },
    warning: (code, message) => void warnings.push({ code, message }),
    hasTold: (detail) => told.some((message) => message.includes(detail)),
  };
}

export function createPreflight(ports: Ports): (input: PreflightInput) => Promise<PreflightReport> {
  return verb(
    ports,
    'preflight',
    () => 'checking target, metrics, people',
    (input, signal) => preflight(ports, input, signal),
  );
}

export async function preflight(ports: Ports, input: PreflightInput, signal: AbortSignal): Promise<PreflightReport> {
  return (await returned(ports, input, signal)) ?? (await checked(ports, input, signal));
}

/** Checks are for what has not begun: a run that was reset and finds its own claim must not be refused, its release has traffic. */
async function returned(ports: Ports, input: PreflightInput, signal: AbortSignal): Promise<PreflightReport | null> {
  const { plan, rollout, run } = input;
  const reading = await ports
    .target(plan.target)
    .read(signal)
    .catch((error: unknown) => {
      if (error instanceof ProviderError) return null; // told by the checks
      throw error;
    });
  const claim = reading?.claim ?? null;
  if (reading === null || claim === null || claim.released || claim.rollout !== rollout || claim.run !== run)
    return null;
  const canaryBp = shareOf(reading, claim.canary.digest);
  return {
    ...{ problems: [], warnings: [], stable: claim.stable, fence: 0, identity: 'trust' },
    notifies: ports.notifier.channels.length > 0,
    archives: ports.archive !== null,
    returned: { stage: claim.stage, fence: reading.fence, plannedBp: claim.canaryBp, canaryBp },
  };
}

async function checked(ports: Ports, input: PreflightInput, signal: AbortSignal): Promise<PreflightReport> {
  const problems: Note[] = [];
  const warnings: Note[] = [];
  const some = () => collector(problems, warnings);
  const [findings, ofTarget, ofMetrics] = [some(), some(), some()];
  const { plan } = input;
  if (planDigest(plan) !== input.planDigest)
    findings.problem('plan.digest', 'the plan is not the one its digest names');
  const { metrics } = plan;
  const metricsOf = `metrics ${metrics?.connection ?? ''}`;
  const [ground, areMetricsUp] = await Promise.all([
    asked(ofTarget, `target ${plan.target.connection}`, () => checkTarget(ports, input, ofTarget, signal)),
    metrics === null ? null : asked(ofMetrics, metricsOf, () => checkMetrics(ports, metrics, signal)),
    asked(some(), 'directory', () => checkPeople(ports, input, findings)),
    asked(some(), 'secrets', () => checkSecrets(ports, plan, findings)),
    asked(some(), 'smoke files', () => checkFiles(ports, plan, findings)),
    checkArchive(ports, findings, signal),
  ]);
  const stable = ground?.stable ?? null;
  if (metrics !== null && areMetricsUp === true && stable !== null) {
    await asked(ofMetrics, metricsOf, () => checkCriteria(ports, plan, metrics, stable, ofMetrics, signal));
  }
  const notifies = ports.notifier.channels.length > 0;
  const archives = ports.archive !== null;
  return { problems, warnings, stable, fence: ground?.fence ?? 0, identity: 'trust', notifies, archives };
}

/** An edited plan needs people, secrets, files and metrics as one that is started does; its target is in our hands. */
export function createCheckPlan(ports: Ports): Activities['checkPlan'] {
  return verb(
    ports,
    'checkPlan',
    () => 'checking metrics, people',
    async ({ plan, requester, serving, asks }, signal) => {
      const problems: Note[] = [];
      const some = () => collector(problems, []);
      const findings = some();
      const { metrics } = plan;
      const metricsOf = `metrics ${metrics?.connection ?? ''}`;
      await Promise.all([
        asked(some(), 'directory', async () => {
          await checkPeople(ports, { plan, requester }, findings);
          if (asks === null) return;
          await checkPeople(ports, { plan: { ...plan, gates: [asks.gate] }, requester: asks.by }, findings);
        }),
        asked(some(), 'secrets', () => checkSecrets(ports, plan, findings)),
        asked(some(), 'smoke files', () => checkFiles(ports, plan, findings)),
        metrics === null || plan.criteria.length === 0
          ? null
          : asked(findings, metricsOf, () => checkCriteria(ports, plan, metrics, serving, findings, signal)),
      ]);
      return problems;
    },
  );
}

/** A connection that does not answer is a problem like any other, once; defects are not. */
async function asked<Answer>(findings: Collector, what: string, ask: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (!findings.hasTold(error.detail)) findings.problem(error.code, `${what}: ${error.message}`);
    return null;
  }
}

async function checkTarget(
  ports: Ports,
  { plan }: PreflightInput,
  findings: Collector,
  signal: AbortSignal,
): Promise<{ stable: Release | null; fence: number }> {
  const target = ports.target(plan.target);
  const weights = plan.steps.map((step) => step.weightBp);
  for (const { level, code, message } of await target.preflight(weights, plan.release, signal))
    findings[level](code, message);
  await checkSwitches(target, plan, findings, signal);
  const now = await target.capabilities(signal);
  if (JSON.stringify(now) !== JSON.stringify(plan.capabilities)) {
    findings.problem(
      'target.changed',
      'the target can do other things than when the plan was made: make the plan again',
    );
  }
  const stable = await asked(findings, 'stable', () => target.stable(signal));
  const reading = await readPatiently(ports, target, stable, signal);
  if (reading.claim !== null) await checkClaim(ports, reading.claim, reading, findings);
  if (stable !== null) checkStable(stable, plan.release, reading, findings);
  return { stable, fence: reading.fence };
}

/** A switch that cannot be turned is found now, not in the night in which it is needed. */
async function checkSwitches(target: Target, plan: Plan, findings: Findings, signal: AbortSignal): Promise<void> {
  for (const { id, place, off } of plan.switches ?? []) {
    for (const { level, code, message } of (await target.switches?.check(place, off, signal)) ?? [])
      findings[level](code, `switch ${id}: ${message}`);
  }
}

/** A reading is in a hurry, for the sake of going back: that a busy host did not answer one is no reason to refuse. */
async function readPatiently(
  { clock }: Ports,
  target: Target,
  stable: Release | null,
  signal: AbortSignal,
): Promise<Reading> {
  for (let tries = 1; ; tries += 1) {
    const reading = await target.read(signal);
    if (tries === 4 || stable === null || placeOf(stable, reading)?.ready === true) return reading;
    await clock.sleep(1_000, signal);
  }
}

function placeOf(release: Release, { instances }: Reading): Instance | undefined {
  return instances.find((instance) => instance.release?.digest === release.digest);
}

/** An object that a running rollout holds is not ours to touch; one that a dead rollout left half-way needs a person. */
async function checkClaim(ports: Ports, claim: Claim, reading: Reading, findings: Findings): Promise<void> {
  if (claim.released) return;
  if (await ports.rollouts.isRunning(claim)) {
    findings.problem(
      'target.claimed',
      `the target is held by ${claim.rollout}, which is running: wait for it, or abort it`,
    );
    return;
  }
  const left = shareOf(reading, claim.canary.digest);
  if (left > 0 && claim.stage.kind !== 'promoted') {
    findings.problem(
      'target.abandoned',
      `${claim.rollout} no longer runs and left ${formatBp(left)} on ${nameOf(claim.canary)}: ` +
        'put the traffic back first, where the worker’s configuration is: sluice zero CONNECTION/ROUTE --config WORKER.yaml',
    );
  } else
    findings.warning(
      'target.takeover',
      `${claim.rollout} no longer runs and did not give its claim back; this rollout takes it over`,
    );
}

/** A way back exists: what serves is known, is something else, and is ready. */
function checkStable(stable: Release, release: Release, reading: Reading, findings: Findings): void {
  if (stable.digest === release.digest)
    findings.problem('release.serves', `${nameOf(release)} already serves all traffic`);
  else if (stable.label === release.label) {
    findings.problem('release.label', `label ${release.label} is also stable's: metrics could not tell the two apart`);
  }
  const place = placeOf(stable, reading);
  if (place?.ready !== true) {
    findings.problem(
      'stable.unready',
      `${nameOf(stable)} serves but is not ready (${place?.detail ?? 'not found'}): there would be no way back`,
    );
  }
}

async function checkPeople(
  ports: Ports,
  { plan, requester }: Pick<PreflightInput, 'plan' | 'requester'>,
  findings: Findings,
): Promise<void> {
  if (plan.gates.length === 0) return;
  const members = await Promise.all(
    plan.roles.map(async (role) => [role, await ports.directory.membersOf(role)] as const),
  );
  const byRole = Object.fromEntries(members);
  for (const gate of plan.gates) {
    for (const message of satisfiable(gate.require, byRole, plan.separation, requester)) {
      findings.problem('people.quorum', `gate ${gate.id} can never be passed: ${message}`);
    }
  }
}

async function checkSecrets(ports: Ports, plan: Plan, findings: Findings): Promise<void> {
  const names = [...new Set(Object.values(plan.suites).flatMap((suite) => ports.smoke.secretsOf(suite)))];
  for (const name of await ports.secrets.missing(names)) {
    findings.problem('secret.missing', `secret ${name} has no value on this worker`);
  }
}

/** Keeping the record can wait; the release need not. */
async function checkArchive({ archive }: Ports, findings: Findings, signal: AbortSignal): Promise<void> {
  if (archive === null) return;
  try {
    await archive.ping(signal);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    findings.warning('archive.away', `the record of this rollout may be kept late: ${error.message}`);
  }
}

async function checkFiles(ports: Ports, plan: Plan, findings: Findings): Promise<void> {
  const missing = await Promise.all(Object.values(plan.suites).map((suite) => ports.smoke.missingFiles(suite)));
  for (const name of new Set(missing.flat())) {
    findings.problem('smoke.file', `file ${name} is not among the smoke files of this worker: see smoke.files there`);
  }
}
