/** What must hold for every sequence of writes that a proxy accepted (DESIGN §3, I2–I5), as a pure judgement of the record. */

import type { ProxyWrite, WrittenClaim } from './observe.ts';

export interface Expected {
  /** The plan's ladder, basis points, rising. */
  readonly stepsBp: readonly number[];
  /** Every rollout in the record has reached its outcome. */
  readonly ended: boolean;
}

type Claimed = ProxyWrite & { readonly claim: WrittenClaim; readonly canaryBp: number };

const whole = 10_000;

/** Sentences about what is wrong, in the order of the writes; none when all is well. Writes are those of one route, in order. */
export function violations(writes: readonly ProxyWrite[], expected: Expected): readonly string[] {
  const claimed = writes.filter(isClaimed);
  return [
    ...writes.flatMap((write, at) => (isClaimed(write) ? [] : [`write ${at + 1} carries no claim`])),
    ...writes.flatMap((write, at) => unsound(write, at)),
    ...claimed.flatMap((write, at) => {
      const before = claimed[at - 1] ?? null;
      return [...fenceOf(write, before), ...riseOf(write, sameRun(write, before), expected.stepsBp)];
    }),
    ...claimed.flatMap((write, at) => afterTurning(write, claimed.slice(0, at))),
    ...(expected.ended ? unfinished(claimed.at(-1) ?? null) : []),
  ];
}

function isClaimed(write: ProxyWrite): write is Claimed {
  return write.claim !== null && write.canaryBp !== null;
}

/** Stable has what the canary has not; never nothing on all. */
function unsound({ bySlot }: ProxyWrite, at: number): readonly string[] {
  const isWhole = [bySlot.a, bySlot.b].every((bp) => bp >= 0 && bp <= whole) && bySlot.a + bySlot.b === whole;
  return isWhole ? [] : [`write ${at + 1} gives ${bySlot.a} and ${bySlot.b}, which is not all of the traffic`];
}

/** A fence never falls; a repeat of one says the same again, or goes back. */
function fenceOf(write: Claimed, before: Claimed | null): readonly string[] {
  if (before === null) return [];
  const [now, then] = [write.claim.fence, before.claim.fence];
  if (now < then) return [`${nameOf(write)} came after fence ${then}`];
  if (now > then) return [];
  if (sameRun(write, before) === null) return [`${nameOf(write)} uses the fence of another run`];
  const isRepeat = write.canaryBp === before.canaryBp || write.claim.stage.kind === 'back';
  return isRepeat ? [] : [`${nameOf(write)} sets ${write.canaryBp} where the same fence had set ${before.canaryBp}`];
}

/** The weight rises only by the next step of the plan, each exactly to its weight and under its own name. */
function riseOf(write: Claimed, before: Claimed | null, stepsBp: readonly number[]): readonly string[] {
  const present = before?.canaryBp ?? 0;
  const { canaryBp } = write;
  const index = write.claim.stage.kind === 'step' ? Number(write.claim.stage['index']) : null;
  if (index !== null && canaryBp !== stepsBp[index]) {
    return [`${nameOf(write)} sets ${canaryBp} at step ${index}, which is not its weight`];
  }
  if (canaryBp <= present) return [];
  const next = stepsBp.find((bp) => bp > present);
  if (index === null) return [`${nameOf(write)} raises ${present} to ${canaryBp} outside a step`];
  return canaryBp === next
    ? []
    : [`${nameOf(write)} raises ${present} to ${canaryBp}; the next step is ${String(next)}`];
}

/** Once a run has turned back, it stays there and nothing of it rises. */
function afterTurning(write: Claimed, earlier: readonly Claimed[]): readonly string[] {
  const own = earlier.filter((one) => sameRun(write, one) !== null);
  const turned = own.findIndex(({ claim }) => claim.stage.kind === 'back');
  if (turned < 0) return [];
  if (write.claim.stage.kind !== 'back') return [`${nameOf(write)} goes forward after the run had turned back`];
  const least = Math.min(...own.slice(turned).map(({ canaryBp }) => canaryBp));
  return write.canaryBp > least ? [`${nameOf(write)} raises ${least} to ${write.canaryBp} while going back`] : [];
}

/** In the end one release has everything and the claim is given back. */
function unfinished(last: Claimed | null): readonly string[] {
  if (last === null) return ['nothing was ever written'];
  const { bySlot, claim, canaryBp } = last;
  return [
    ...(Math.max(bySlot.a, bySlot.b) === whole ? [] : [`it ends with ${bySlot.a} and ${bySlot.b}`]),
    ...(claim.released ? [] : [`${nameOf(last)} is the last and does not give the claim back`]),
    ...(claim.stage.kind === 'back' && canaryBp > 0 ? [`it went back and ends with ${canaryBp}`] : []),
  ];
}

function sameRun(write: Claimed, other: Claimed | null): Claimed | null {
  return other?.claim.rollout === write.claim.rollout && other.claim.run === write.claim.run ? other : null;
}

function nameOf({ claim }: Claimed): string {
  return `fence ${claim.fence} of ${claim.rollout}`;
}
