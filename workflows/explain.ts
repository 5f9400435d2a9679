/** What a rollout is waiting for, who can unblock it, and what happens if nobody does. */

import { formatBp, formatDuration, formatTime } from '../plan/units.ts';
import type { Explanation, Stopped } from '../plan/status.ts';
import { quorum } from '../approvals/quorum.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import { finishOf, runningClock } from './forecast.ts';
import { rolloutName } from './messages.ts';
import { patience } from './proxies.ts';
import { isSoaking, outcomeReason, phaseOf } from './status.ts';
import type { Run } from './run.ts';

export function explain(run: Run): Explanation {
  const { state } = run;
  const since = (state.held ?? state.frozen ?? state.paused)?.since ?? state.phaseSince;
  return { ...waitingOf(run), since, ...finishOf(run), at: Date.now(), ...endOf(run) };
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
      if (isSoaking(run)) return soaking(run);
      return waiting(`a clean bake at ${weight}`, bakeDefault(run));
    case 'frozen':
      return frozen(run, state.frozen as Stopped);
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
      return ended(run);
  }
}

function soaking(run: Run): Waiting {
  const { requestedBp, soaking: gate } = run.state;
  const until = runningClock(run)?.endsAt ?? Date.now();
  return waiting(
    `more soak at ${formatBp(requestedBp)} until ${formatTime(until)}, as somebody at gate ${gate ?? ''} asked for`,
    `gate ${gate ?? ''} asks again when it is clean then`,
  );
}

function goingBack({ state, plan }: Run): Waiting {
  if (state.stage.kind !== 'back') {
    return waiting('zero traffic to be confirmed', 'it is tried again without limit, and pages when late');
  }
  const keptUntil = state.superseded === null ? state.keptUntil : null;
  if (keptUntil !== null && keptUntil > Date.now()) {
    return waiting(
      `the look at ${plan.release.label}, which is kept without traffic until ${formatTime(keptUntil)}`,
      'then it is retired; a newer release gets its place at once: sluice start … --replace',
    );
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
  // What is asked about an edited plan keeps nobody waiting.
  const open = run.state.requests.filter(({ state, gate }) => state === 'open' && gate.id !== run.state.asked?.gate);
  const unclean = run.state.bake === 'clean' ? [] : ['every criterion to pass again'];
  return {
    waitingFor: [...open.map((request) => `${missing(request, run)} at gate ${request.gate.id}`), ...unclean].join(
      ', and ',
    ),
    unblock: open.map(
      (request) => `${missing(request, run)}: sluice approve ${rolloutName(run.rollout)} ${request.gate.id}`,
    ),
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
    waitingFor:
      stop.by === 'rule' ? `a person to decide: ${stop.reason}` : `a resume, paused by ${stop.by}: ${stop.reason}`,
    unblock: [`sluice resume ${rolloutName(run.rollout)}`, `sluice abort ${rolloutName(run.rollout)} --reason "…"`],
    otherwise: stop.until === null ? stop.then : `${stop.then} at ${formatTime(stop.until)}`,
  };
}

function endOf({ state }: Run): Pick<Explanation, 'ended'> {
  const { outcome, problems } = state;
  if (outcome === null) return {};
  const reason = outcomeReason(state);
  return { ended: { outcome, because: outcome === 'refused' ? problems : reason === null ? [] : [reason] } };
}

function ended({ state, plan }: Run): Waiting {
  const reason = outcomeReason(state);
  const why = `nothing: it ended ${state.outcome ?? ''}${reason === null ? '' : `: ${reason}`}`;
  const bp = state.acceptedBp ?? state.requestedBp;
  if (state.outcome !== 'detached' || bp === 0) return waiting(why, 'nothing more happens');
  const { connection, route } = plan.target;
  const left = `${plan.release.label} keeps ${formatBp(bp)}, and nobody watches it or takes it back`;
  return { waitingFor: why, unblock: [`sluice zero ${connection}/${route} --config WORKER.yaml`], otherwise: left };
}

function frozen(run: Run, stop: Stopped): Waiting {
  const { paused } = run.state;
  const name = rolloutName(run.rollout);
  const also = paused === null ? '' : `, and a resume, paused by ${paused.by}`;
  return {
    waitingFor: `the freeze by ${stop.by} to be lifted: ${stop.reason}${also}`,
    unblock: [
      `sluice lift ${name}`,
      ...(paused === null ? [] : [`sluice resume ${name}`]),
      `sluice abort ${name} --reason "…"`,
    ],
    otherwise: stop.then,
  };
}

function bakeDefault(run: Run): string {
  const step = run.plan.steps[run.state.step];
  if (step === undefined) return 'nothing happens';
  return `it goes on when clean after ${formatDuration(step.bakeMinMs)}, and holds after ${formatDuration(step.bakeMaxMs)}`;
}
