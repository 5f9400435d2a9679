/** What a rollout is waiting for, who can unblock it, and what happens if nobody does. */

import { formatBp, formatDuration, formatTime } from '../plan/units.ts';
import type { Explanation, Stopped } from '../plan/status.ts';
import { quorum } from '../approvals/quorum.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import { patience } from './proxies.ts';
import { phaseOf } from './status.ts';
import type { Run } from './run.ts';

export function explain(run: Run): Explanation {
  const { state } = run;
  const since = (state.held ?? state.paused)?.since ?? state.phaseSince;
  return { ...waitingOf(run), since, earliestFinish: earliestFinish(run), at: Date.now() };
}

type Waiting = Pick<Explanation, 'waitingFor' | 'unblock' | 'otherwise'>;

function waitingOf(run: Run): Waiting {
  const { state, plan } = run;
  const weight = formatBp(state.requestedBp);
  const phase = phaseOf(run);
  switch (phase) {
    case 'preparing':
      return waiting('preflight of the target, the metrics and the directory', 'it is refused when a check fails');
    case 'awaiting-approval':
      return awaitingPeople(run);
    case 'deploying':
      return waiting(
        `${plan.release.label} to become ready at 0 %`,
        `it goes back when that takes longer than ${formatDuration(patience.deploying)}`,
      );
    case 'shifting':
      return waiting(
        `${weight} to be accepted and confirmed`,
        `it goes back when that takes longer than ${formatDuration(patience.moving)}`,
      );
    case 'baking':
      return waiting(`a clean bake at ${weight}`, bakeDefault(run));
    case 'held':
    case 'paused':
      return stopped(run, (state.held ?? state.paused) as Stopped);
    case 'promoting':
      return waiting(
        `${plan.release.label} to become stable`,
        `it goes back when that takes longer than ${formatDuration(patience.deploying)}`,
      );
    case 'watching':
      return waiting(
        `the end of the watch of ${formatDuration(plan.watch.forMs)}`,
        'the old release is retired and the rollout completes',
      );
    case 'retiring':
      return waiting('the release that no longer serves to be removed', 'it is tried again');
    case 'rolling-back':
      return goingBack(run);
    case 'ended':
      return waiting('nothing: it has ended', 'nothing more happens');
  }
}

function goingBack({ state, plan }: Run): Waiting {
  if (state.stage.kind !== 'back') {
    return waiting('zero traffic to be confirmed', 'it is tried again without limit, and pages when late');
  }
  const { keepCanaryMs } = plan.rollback;
  const kept = keepCanaryMs > 0 && state.exposed ? `, which is kept ${formatDuration(keepCanaryMs)} for a look,` : '';
  return waiting(
    `stable to be restored and ${plan.release.label}${kept} to be retired`,
    'it is tried again without limit; traffic that somebody gives the release meanwhile is taken back at once',
  );
}

function waiting(waitingFor: string, otherwise: string): Waiting {
  return { waitingFor, unblock: [], otherwise };
}

function awaitingPeople(run: Run): Waiting {
  const open = run.state.requests.filter((request) => request.state === 'open');
  const unclean = run.state.bake === 'clean' ? [] : ['every criterion to pass again'];
  return {
    waitingFor: [...open.map((request) => `${missing(request, run)} at gate ${request.gate.id}`), ...unclean].join(
      ', and ',
    ),
    unblock: open.map((request) => `${missing(request, run)}: sluice approve ${run.rollout} ${request.gate.id}`),
    otherwise: open
      .map(
        (request) => `gate ${request.gate.id} expires ${formatTime(request.expiresAt)}, then: ${request.gate.onExpiry}`,
      )
      .join('; '),
  };
}

function missing(request: ApprovalRequest, run: Run): string {
  return quorum(request, run.plan.separation, run.requester).missingText || 'nobody';
}

function stopped(run: Run, stop: Stopped): Waiting {
  return {
    waitingFor: `a person to decide: ${stop.reason}`,
    unblock: [`sluice resume ${run.rollout}`, `sluice abort ${run.rollout} --reason "…"`],
    otherwise: stop.until === null ? stop.then : `${stop.then} at ${formatTime(stop.until)}`,
  };
}

function bakeDefault(run: Run): string {
  const step = run.plan.steps[run.state.step];
  if (step === undefined) return 'nothing happens';
  return `it goes on when clean after ${formatDuration(step.bakeMinMs)}, and holds after ${formatDuration(step.bakeMaxMs)}`;
}

/** Bakes and watch still ahead; people and targets take their time on top. */
function earliestFinish(run: Run): number | null {
  const { state, plan } = run;
  if (state.outcome !== null || state.turn !== null || state.held !== null || state.paused !== null) return null;
  const bakes = plan.steps.map((step, index) => (state.done.includes(`bake:${String(index)}`) ? 0 : step.bakeMinMs));
  const watch = state.watched ? 0 : plan.watch.forMs;
  const ahead = bakes.reduce((sum, ms) => sum + ms, watch);
  const { countedMs, at } = runningClock(run);
  return Math.max(Date.now(), at + ahead - countedMs);
}

/** What the clock of a bake or watch under way has counted up to a moment; from there it cannot end sooner. */
function runningClock({ state }: Run): { readonly countedMs: number; readonly at: number } {
  const { stage, stageSince, checkpoint, bake, done } = state;
  const isAhead = stage.kind === 'promoted' || (stage.kind === 'step' && !done.includes(`bake:${String(stage.index)}`));
  if (!isAhead || bake === 'clean') return { countedMs: 0, at: Date.now() };
  const isPresent = checkpoint !== null && JSON.stringify(checkpoint.stage) === JSON.stringify(stage);
  if (!isPresent) return { countedMs: 0, at: stageSince };
  return { countedMs: checkpoint.validMs, at: checkpoint.lastPollAt ?? checkpoint.stageSince };
}
