/** What a reading of the target says about us: which stage stands there, whose it is, and what is wrong with it. */

import { isBlocking } from '../judge/verdict.ts';
import type { Release } from '../plan/release.ts';
import type { Claim, Order, Reading } from '../plan/target.ts';
import { shareOf } from '../plan/target.ts';
import { formatBp } from '../plan/units.ts';
import type { ProviderError } from '../providers/errors.ts';
import type { ToldStage, Trouble, WatchCheckpoint, WatchInput, WatchMilestone } from './contract.ts';
import { isExposed, isSameStage, type StageSeen } from './watch-checkpoint.ts';

/** Something wrong, and what the workflow is told once it has lasted long enough. */
export interface Problem {
  /** `claim:`, `weight:`, `release:`, `stable:`, `way-back:` or `data:` and what it is, in words. */
  readonly key: string;
  /** It is told once it has lasted so many polls and so long, ms. */
  readonly after: { readonly polls: number; readonly ms: number };
  readonly milestone: WatchMilestone;
}

export interface Standing {
  /** `null` where the target does not say: the watch goes on with the stage it knows. */
  readonly seen: StageSeen | null;
  readonly acceptedBp: number | null;
  readonly stableServes: boolean | null;
  readonly fence: number | null;
  readonly problems: readonly Problem[];
}

const atOnce = { polls: 1, ms: 0 } as const;

/** A flicker of the target is neither a closed way back nor a release that is down. */
const patience = { polls: 3, ms: 15_000 } as const;

/** Without data for so long people have to know that nobody judges what users meet. */
const blindFor = { polls: 3, ms: 300_000 } as const;

export function standingOf(
  reading: Reading | ProviderError,
  { order, goal, told }: Pick<WatchInput, 'order' | 'goal' | 'told'>,
  checkpoint: WatchCheckpoint,
): Standing {
  if (reading instanceof Error) {
    const away = wayBack('target unreachable', `the target does not answer: ${short(reading.message)}`);
    // Before the first weight there is nothing to take back: that alone stops nobody.
    const isBefore = goal.kind === 'keep' && goal.stage.kind === 'deployed' && !isExposed(checkpoint.stage);
    return { seen: null, acceptedBp: null, stableServes: null, fence: null, problems: isBefore ? [] : [away] };
  }
  const acceptedBp = shareOf(reading, order.canary.digest);
  const common = { acceptedBp, stableServes: shareOf(reading, order.stable.digest) > 0 };
  const claim = reading.claim ?? (told === undefined ? null : toldClaim(told, order));
  if (goal.kind === 'zero') return { ...common, ...atZero(claim, acceptedBp) };
  if (claim === null) {
    return { ...common, seen: null, fence: null, problems: [forgotten(checkpoint.observed.requestedBp, acceptedBp)] };
  }
  const taken = takenBy(claim, order);
  if (taken !== null) return { ...common, seen: null, fence: null, problems: [taken] };
  const isOld = claim.fence < checkpoint.fence;
  const seen = isOld ? null : { stage: claim.stage, since: claim.since, plannedBp: claim.canaryBp };
  const plannedBp = seen?.plannedBp ?? checkpoint.observed.requestedBp;
  const weight =
    reading.outage === true ? outageOf(plannedBp, claim.fence) : driftOf(plannedBp, acceptedBp, claim.fence);
  const problems =
    reading.stableChanged === undefined
      ? [
          ...weight,
          ...(reading.edited === undefined ? [] : [changed(reading.edited)]),
          ...releaseProblems(reading, order, acceptedBp),
          ...stableProblems(reading, claim, order, plannedBp),
        ]
      : [...(reading.outage === true ? weight : []), changed(reading.stableChanged)];
  return { ...common, seen, fence: claim.fence, problems };
}

/** After zero the plan is nothing, whatever the claim says and whoever wrote it. */
function atZero(claim: Claim | null, acceptedBp: number): Pick<Standing, 'seen' | 'fence' | 'problems'> {
  const seen = claim === null ? null : ({ stage: { kind: 'back' }, since: claim.since, plannedBp: 0 } as const);
  return { seen, fence: claim?.fence ?? null, problems: driftOf(0, acceptedBp, claim?.fence ?? null) };
}

/** What the claim would say if the target could store one. */
function toldClaim({ stage, since, plannedBp }: ToldStage, order: Order): Claim {
  return { ...order, stage, since, canaryBp: plannedBp, released: false };
}

/** Claims that end our say: another rollout's or run's, a released one, or traffic taken back from outside. */
function takenBy(claim: Claim, order: Order): Problem | null {
  const fence = `fence ${String(claim.fence)}`;
  if (claim.rollout !== order.rollout || claim.run !== order.run) {
    return fenced(`the target is held by ${short(claim.rollout)}, run ${short(claim.run)} (${fence})`);
  }
  if (claim.released) return fenced(`the claim on the target was released (${fence})`);
  return claim.stage.kind === 'back' ? fenced(`traffic was taken back from outside this rollout (${fence})`) : null;
}

function fenced(sentence: string): Problem {
  return { key: `claim: ${sentence}`, after: atOnce, milestone: { kind: 'fenced', sentence } };
}

/** Whoever put the weight right raised the fence: the same weight above another fence is a new matter. */
function driftOf(plannedBp: number, acceptedBp: number, fence: number | null): readonly Problem[] {
  if (acceptedBp === plannedBp) return [];
  const where = fence === null ? '' : ` (fence ${String(fence)})`;
  const key = `weight: ${formatBp(acceptedBp)} instead of ${formatBp(plannedBp)}${where}`;
  return [drift(key, acceptedBp > plannedBp ? 'above' : 'below', plannedBp, acceptedBp)];
}

/** Users get errors from nobody's release: that does not wait for a person. */
function outageOf(plannedBp: number, fence: number): readonly Problem[] {
  const milestone = { kind: 'drift', direction: 'above', plannedBp, acceptedBp: 0, outage: true } as const;
  return [{ key: `weight: none for anybody (fence ${String(fence)})`, after: atOnce, milestone }];
}

function drift(key: string, direction: 'above' | 'below', plannedBp: number, acceptedBp: number): Problem {
  return { key, after: atOnce, milestone: { kind: 'drift', direction, plannedBp, acceptedBp } };
}

/** A proxy that was restarted without its last state: nothing may rise there any more. */
function forgotten(plannedBp: number, acceptedBp: number): Problem {
  const milestone = {
    kind: 'drift',
    direction: acceptedBp > plannedBp ? 'above' : 'below',
    plannedBp,
    acceptedBp,
  } as const;
  return {
    key: `claim: gone, ${formatBp(acceptedBp)} accepted`,
    after: atOnce,
    milestone: { ...milestone, forgotten: true },
  };
}

function wayBack(key: string, sentence: string): Problem {
  return { key: `way-back: ${key}`, after: patience, milestone: { kind: 'way-back', sentence } };
}

/** No weight puts that right: a person has to say what it was for. */
function changed(sentence: string): Problem {
  return {
    key: `stable: ${sentence}`,
    after: atOnce,
    milestone: { kind: 'way-back', sentence: short(sentence), changed: true },
  };
}

/** Going back is one write only while the recorded stable is ready to take everything. */
function stableProblems(reading: Reading, claim: Claim, order: Order, plannedBp: number): readonly Problem[] {
  const { kind } = claim.stage;
  const isNeeded = kind === 'promoted' || (kind === 'step' && plannedBp > 0);
  const why = isNeeded && reading.restorable !== true ? unready(reading, order.stable) : null;
  return why === null ? [] : [wayBack('stable not ready', `stable ${order.stable.label} is not ready (${why})`)];
}

/** Users meet a release that is down, and stable could take them. Where neither serves, a person has to look. */
function releaseProblems(reading: Reading, { canary, stable }: Order, acceptedBp: number): readonly Problem[] {
  const why = acceptedBp > 0 ? unready(reading, canary) : null;
  if (why === null || unready(reading, stable) !== null) return [];
  const sentence = `${canary.label} is not ready (${why})`;
  return [{ key: 'release: not ready', after: patience, milestone: { kind: 'unready', sentence } }];
}

/** Why a release is ready nowhere; `null` when it is ready somewhere. */
function unready({ instances }: Reading, { digest }: Release): string | null {
  const places = instances.filter((place) => place.release?.digest === digest);
  if (places.some((place) => place.ready)) return null;
  return short(places.map((place) => `${place.name}: ${place.detail}`).join('; ') || 'it runs nowhere');
}

/** Nothing could be judged at this poll. Told once; a bake that asked a person about it has told already. */
export function blindness({ stage, findings, heldAt }: WatchCheckpoint): readonly Problem[] {
  const missing = findings.filter((finding) => isBlocking(finding) && finding.verdict === 'no-data');
  if (!isExposed(stage) || missing.length === 0 || heldAt !== null) return [];
  const sentence = short(missing.map((finding) => `${finding.criterion}: ${finding.sentence}`).join('; '));
  return [{ key: 'data: missing', after: blindFor, milestone: { kind: 'blind', sentence } }];
}

/** Which troubles last, and the first of them that is ripe and was not told yet. */
export function notice(
  before: readonly Trouble[],
  problems: readonly Problem[],
  at: number,
): { readonly troubles: readonly Trouble[]; readonly ripe: Problem | null } {
  const troubles = problems.map(({ key }) => {
    const known = before.find((trouble) => trouble.key === key);
    return known === undefined ? { key, polls: 1, since: at, told: false } : { ...known, polls: known.polls + 1 };
  });
  const isRipe = (problem: Problem, index: number) => {
    const trouble = troubles[index];
    if (trouble === undefined || trouble.told) return false;
    return trouble.polls >= problem.after.polls && at - trouble.since >= problem.after.ms;
  };
  return { troubles, ripe: problems.find(isRipe) ?? null };
}

/** After its milestone was returned. */
export function told(troubles: readonly Trouble[], key: string): readonly Trouble[] {
  return troubles.map((trouble) => (trouble.key === key ? { ...trouble, told: true } : trouble));
}

/** Whether the reading shows the stage we believe in, at the weight we believe in. */
export function isAsPlanned(standing: Standing, checkpoint: WatchCheckpoint): boolean {
  const { seen, problems } = standing;
  return (
    seen !== null &&
    isSameStage(seen.stage, checkpoint.stage) &&
    problems.every(({ key }) => key.startsWith('way-back:'))
  );
}

/** Text from the target, cut: it ends up in messages. */
function short(text: string): string {
  return text.length <= 160 ? text : `${text.slice(0, 159)}…`;
}
