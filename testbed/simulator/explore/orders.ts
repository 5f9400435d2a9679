/** What a rollout asks its worker for, as far as the watchman has to know: where it wants to stand, and whom it proves. */

import type { ShiftInput } from '../../../activities/contract.ts';
import type { Effect } from '../../../activities/contract-effect.ts';
import type { Stage } from '../../../plan/target.ts';
import { fromPayload } from '../payloads.ts';
import { WorkflowCommand } from '../proto.ts';

export type Ordered =
  | {
      readonly kind: 'deploy' | 'shift' | 'promote';
      readonly rollout: string;
      readonly stage: Stage;
      readonly canaryBp: number;
    }
  | { readonly kind: 'prove'; readonly by: string };

/** How the type of an activity begins in the bytes of a command: field 3, its length, its name. */
const marks = ['prove', 'shift', 'deploy', 'promote'].map((name) => `\u001a${String.fromCharCode(name.length)}${name}`);

/** `command`: in bytes. `null`: it is about something else. */
export function orderIn(command: string): Ordered | null {
  if (!marks.some((mark) => command.includes(mark))) return null;
  const { scheduleActivity } = WorkflowCommand.decode(Buffer.from(command, 'latin1'));
  const input = () => fromPayload(scheduleActivity?.arguments?.[0]);
  switch (scheduleActivity?.activityType) {
    case 'prove':
      return { kind: 'prove', by: input() as string };
    case 'shift': {
      const { order, stage, canaryBp } = input() as ShiftInput;
      return { kind: 'shift', rollout: order.rollout, stage, canaryBp };
    }
    case 'deploy':
      return { kind: 'deploy', rollout: (input() as Effect).order.rollout, stage: { kind: 'deployed' }, canaryBp: 0 };
    case 'promote':
      return {
        kind: 'promote',
        rollout: (input() as Effect).order.rollout,
        stage: { kind: 'promoted' },
        canaryBp: 10_000,
      };
    default:
      return null;
  }
}
