/** `sluice reject`: say no to a gate. */

import type { Context } from '../context.ts';
import { reasonOption } from '../options.ts';
import type { Program } from '../command.ts';
import { decisionCommand } from './decision-command.ts';

export function rejectCommand(program: Program, context: Context): void {
  const description = 'say no to an open gate; the rollout goes back';
  decisionCommand(program, context, {
    name: 'reject',
    description,
    reason: reasonOption().makeOptionMandatory(),
    examples,
  });
}

const examples = `
Examples:
  $ sluice reject production/web wide@25% --by ana --reason "login errors at 5%"`;
