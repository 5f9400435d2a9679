/** One look of the guardian: rollouts that ended without an outcome are reverted, those that stand still are told and, with traffic, reverted. */

import { hasTraffic } from '../plan/orphan.ts';
import type { Origin } from '../plan/orphan.ts';
import { isOutcome } from '../plan/phases.ts';
import { formatBp, formatDuration } from '../plan/units.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Notice, RunFacts, RunRef } from '../providers/ports.ts';
import type { GuardMemory, Suspect } from './contract.ts';
import { bounded, dueOf, mayRevert, suspectOf, wordsFor, withRevert } from './guard-standing.ts';
import { leftAt } from './left.ts';
import type { Ports } from './ports.ts';

/** What one guardian has at hand beside its memory; lost with its worker, and found out again. */
export interface Desk {
  memory: GuardMemory;
  /** Closed runs that nothing is to be done about: an outcome, or a newer run, came after them. */
  readonly settled: Set<string>;
  /** What the histories of suspects told. */
  readonly origins: Map<string, Origin | null>;
  /** Open runs that are still to be looked at in this round of all of them. */
  round: RunRef[];
  /** How many of them each look takes. */
  share: number;
}

/** So many looks make one round of all open runs: each is asked about once a minute. */
const looksPerRound = 12;
/** Read anew only when its history may have grown: an orphan's and a suspect's has not. */
const mostKnown = 2_000;

/** Throws `ProviderError` when Temporal does not answer. */
export async function look(ports: Ports, desk: Desk, signal: AbortSignal): Promise<void> {
  const orphans = await revertOrphans(ports, desk);
  const standing = await askAboutOpen(ports, desk, signal);
  const now = ports.clock.now();
  const summary = `${counted(orphans, 'rollout')} taken back, ${counted(standing.length, 'rollout')} standing still`;
  desk.memory = { ...desk.memory, summary, lookedAt: now, suspects: bounded(standing) };
  if (desk.settled.size > mostKnown) desk.settled.clear();
  if (desk.origins.size > mostKnown) desk.origins.clear();
}

function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}

// ── Ended without an outcome ─────────────────────────────────────────────────────────────────────────────────────────

async function revertOrphans(ports: Ports, desk: Desk): Promise<number> {
  let taken = 0;
  for (const { rollout, run } of await ports.runs.orphaned()) {
    if (desk.settled.has(run)) continue;
    const latest = await ports.runs.latest(rollout);
    if (latest === null || latest.run !== run || isOutcome(latest.state)) {
      desk.settled.add(run);
      continue;
    }
    if (latest.ended && (await revertOrphan(ports, desk, latest))) taken += 1;
  }
  return taken;
}

/** True when a revert was started. */
async function revertOrphan(ports: Ports, desk: Desk, latest: RunFacts): Promise<boolean> {
  const origin = await originOf(ports, desk, latest);
  if (origin === null) {
    desk.settled.add(latest.run);
    return false;
  }
  const sentence = `run ${latest.run} ended without an outcome: its workflow ${origin.end ?? 'ended'}`;
  return revert(ports, desk, latest, origin, sentence);
}

async function originOf(ports: Ports, { origins }: Desk, run: RunRef): Promise<Origin | null> {
  const known = origins.get(run.run);
  if (known !== undefined) return known;
  const origin = await ports.runs.origin(run);
  origins.set(run.run, origin);
  return origin;
}

async function revert(
  ports: Ports,
  desk: Desk,
  { rollout, run, state }: RunFacts,
  origin: Origin,
  sentence: string,
): Promise<boolean> {
  const now = ports.clock.now();
  if (!mayRevert(desk.memory, rollout, now, ports.guardian)) return false;
  const notifies = ports.notifier.channels.length > 0;
  const archives = ports.archive !== null;
  const input = { ...origin, sentence, state, notifies, archives, carried: null };
  const started = await ports.runs.revert(rollout, input);
  desk.memory = { ...desk.memory, reverts: withRevert(desk.memory.reverts, rollout, now) };
  if (!started) return false;
  ports.observer.orphan();
  const title = `${origin.plan.title}: the guardian takes it over`;
  tell(ports, { rollout, severity: 'P0', key: `${rollout}/${run}/orphan`, title, text: `${sentence}; it is reverted` });
  return true;
}

/** Telling people delays nothing and decides nothing. */
function tell({ notifier, observer }: Ports, notice: Notice): void {
  void notifier.send(notice).then((failed) => {
    const failing = new Set(failed.map(({ channel }) => channel));
    for (const channel of notifier.channels) observer.notice(channel, !failing.has(channel));
  });
}

// ── Standing still ───────────────────────────────────────────────────────────────────────────────────────────────────

/** The suspects that are left after this look. */
async function askAboutOpen(ports: Ports, desk: Desk, signal: AbortSignal): Promise<Suspect[]> {
  const asked = [...desk.memory.suspects, ...(await ports.runs.troubled()), ...(await nextOfRound(ports, desk))];
  const standing: Suspect[] = [];
  for (const rollout of new Set(asked.map((run) => run.rollout))) {
    const facts = await ports.runs.latest(rollout);
    const suspect = facts === null ? null : suspectOf(facts, desk.memory, ports.clock.now());
    if (facts === null || suspect === null) continue;
    const after = await actOn(ports, desk, facts, suspect, signal);
    if (after !== null) standing.push(after);
  }
  return standing;
}

async function nextOfRound(ports: Ports, desk: Desk): Promise<readonly RunRef[]> {
  if (desk.round.length === 0) {
    desk.round = [...(await ports.runs.open())];
    desk.share = Math.ceil(desk.round.length / looksPerRound);
  }
  return desk.round.splice(0, desk.share);
}

/** The suspect with what people were told; `null` when it was ended. */
async function actOn(
  ports: Ports,
  desk: Desk,
  facts: RunFacts,
  suspect: Suspect,
  signal: AbortSignal,
): Promise<Suspect | null> {
  const now = ports.clock.now();
  const due = dueOf(suspect, now, ports.guardian);
  if (due === 'wait' || (due === 'page' && suspect.told !== 'nothing')) return suspect;
  const origin = await originOf(ports, desk, facts);
  if (origin === null) return suspect;
  const traffic = await trafficOf(ports, facts.rollout, origin, signal);
  if (due === 'revert' && traffic.kind === 'some') {
    return (await endAndRevert(ports, desk, facts, suspect, origin)) ? null : suspect;
  }
  const told = traffic.kind === 'unknown' && due === 'revert' ? 'blind' : 'stands';
  if (suspect.told === 'blind' || suspect.told === told) return suspect;
  const left = ports.guardian.revertAfterMs - (now - suspect.since);
  const text = `${wordsFor(suspect, now)}. ${consequence(traffic, left)}`;
  const title = `${origin.plan.title} stands still`;
  tell(ports, { rollout: facts.rollout, severity: 'P0', key: `${facts.rollout}/${facts.run}/${told}`, title, text });
  return { ...suspect, told };
}

type Traffic =
  | { readonly kind: 'some'; readonly bp: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown'; readonly why: string };

async function trafficOf(ports: Ports, rollout: string, origin: Origin, signal: AbortSignal): Promise<Traffic> {
  try {
    const { target, release } = origin.plan;
    const left = await leftAt(ports, { target, release }, signal);
    return hasTraffic(left, rollout, origin) ? { kind: 'some', bp: left.canaryBp } : { kind: 'none' };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { kind: 'unknown', why: error.message };
  }
}

function consequence(traffic: Traffic, leftMs: number): string {
  switch (traffic.kind) {
    case 'some':
      return `Its release has ${formatBp(traffic.bp)} of the traffic: unless it goes on it is ended and reverted in ${formatDuration(Math.max(1_000, Math.round(leftMs / 1_000) * 1_000))}`;
    case 'none':
      return 'Its release has no traffic, so nothing is done by itself: mend the worker, or terminate it';
    case 'unknown':
      return `Nobody can see whether its release has traffic (${traffic.why}); it is reverted as soon as that is seen`;
  }
}

/** Looks once more before it ends the run: it may have gone on a moment ago. */
async function endAndRevert(
  ports: Ports,
  desk: Desk,
  { rollout, run }: RunRef,
  suspect: Suspect,
  origin: Origin,
): Promise<boolean> {
  const now = ports.clock.now();
  if (!mayRevert(desk.memory, rollout, now, ports.guardian)) return false;
  const again = await ports.runs.latest(rollout);
  if (again === null || again.run !== run || suspectOf(again, desk.memory, now)?.since !== suspect.since) return false;
  const sentence = `run ${run} stood still: ${wordsFor(suspect, now)}`;
  await ports.runs.terminate(again, `the guardian of Sluice ends it and reverts: ${wordsFor(suspect, now)}`);
  await revert(ports, desk, again, origin, sentence);
  return true;
}
