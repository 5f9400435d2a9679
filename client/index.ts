/** The client's table of contents: what every door does to a rollout goes through here. */

export { rolloutId } from './ids.ts';
export { connect, type ConnectOptions, type Session } from './session.ts';
export { ClientError, type ClientErrorCode, type ClientFacts, type WrongAttribute } from './errors.ts';
export { start, type Started, type StartInput } from './start.ts';
export { explain, readStatus, runningPlan, type StatusAnswer } from './status.ts';
export { describe, resultOf, type Described, type PendingActivity } from './describe.ts';
export { finished } from './finished.ts';
export { follow, type FollowOptions, type Look } from './follow.ts';
export { makeRoom, type Room } from './replace.ts';
export { decide, editPlan, raise, type RaiseMessage, type UpdateOptions } from './messages.ts';
export { control, type ControlAnswer, type ControlMessage, type ControlOptions } from './control.ts';
export { list, type ListFilter, type ListRow } from './list.ts';
export { lastingStatus, record, timeline, type FoundRecord, type LastingAnswer } from './record.ts';
export { inspect, type AnswerTo } from './inspect.ts';
export { pollers, type QueuePollers } from './pollers.ts';
export { attributeFacts, setup, type AttributeState, type SetUp } from './setup.ts';
export type { GuardianState } from './guardian.ts';
export { diagnose } from './doctor.ts';
