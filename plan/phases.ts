/** The words for where a rollout is and how it ended. */

/** Every state a rollout can be seen in; `outcome` says more once it has ended. */
export type Phase =
  | 'preparing' // preflight runs, nothing touched
  | 'awaiting-approval' // a gate is open
  | 'deploying' // the release starts at 0 %
  | 'shifting' // capacity, weight and its confirmation
  | 'baking' // time under watch at a step
  | 'held' // a rule stopped the bake and asked a person
  | 'frozen' // an operator forbade every rise
  | 'paused' // a person stopped the bake
  | 'promoting' // the release becomes stable
  | 'watching' // 100 %, the way back still open
  | 'retiring' // what no longer serves is removed
  | 'rolling-back' // traffic returns to stable
  | 'ended';

export const outcomes = ['completed', 'rolled-back', 'aborted', 'superseded', 'detached', 'refused'] as const;

export type Outcome = (typeof outcomes)[number];

export function isOutcome(state: string | null): state is Outcome {
  return (outcomes as readonly (string | null)[]).includes(state);
}

/** Value of the search attribute RolloutState: the phase, or the outcome once there is one. */
export type RolloutState = Exclude<Phase, 'ended'> | Outcome;

/** Why a rollout turned back. */
export type TurnBack =
  | { readonly kind: 'verdict'; readonly criterion: string; readonly sentence: string }
  | { readonly kind: 'smoke'; readonly suite: string; readonly sentence: string }
  | { readonly kind: 'aborted'; readonly by: string; readonly reason: string }
  | { readonly kind: 'superseded'; readonly by: string; readonly reason: string }
  | { readonly kind: 'rejected'; readonly gate: string; readonly by: string; readonly reason: string }
  | { readonly kind: 'expired'; readonly gate: string; readonly sentence: string }
  | { readonly kind: 'held-too-long'; readonly sentence: string }
  | { readonly kind: 'drift'; readonly sentence: string }
  | { readonly kind: 'failed'; readonly during: string; readonly sentence: string }
  | { readonly kind: 'fenced'; readonly sentence: string }
  | { readonly kind: 'cancelled' }
  /** Its workflow ended without an outcome, or stood still: the guardian took it over. */
  | { readonly kind: 'orphaned'; readonly sentence: string };

/** One sentence for people. */
export function reasonOf(turn: TurnBack): string {
  switch (turn.kind) {
    case 'verdict':
      return `criterion ${turn.criterion} failed: ${turn.sentence}`;
    case 'smoke':
      return `smoke suite ${turn.suite} failed: ${turn.sentence}`;
    case 'aborted':
      return `aborted by ${turn.by}: ${turn.reason}`;
    case 'superseded':
      return `superseded by ${turn.by}: ${turn.reason}`;
    case 'rejected':
      return `${turn.by} rejected gate ${turn.gate}: ${turn.reason}`;
    case 'expired':
    case 'held-too-long':
    case 'drift':
    case 'fenced':
    case 'orphaned':
      return turn.sentence;
    case 'failed':
      return `${turn.during} failed: ${turn.sentence}`;
    case 'cancelled':
      return 'cancelled through Temporal';
  }
}
