/** `sluice approve`: say yes to a gate on exactly the evidence that is shown. */

import type { Context } from '../context.ts';
import { reasonOption } from '../options.ts';
import type { Program } from '../command.ts';
import { decisionCommand } from './decision-command.ts';

export function approveCommand(program: Program, context: Context): void {
  const description = 'say yes to an open gate, on the evidence that is shown';
  decisionCommand(program, context, { name: 'approve', description, reason: reasonOption(), examples });
}

const examples = `
Examples:
  $ sluice approve production/web go --by ana
  $ sluice approve production/web wide@25% --by ana --evidence 2
  $ sluice approve production/web go --by ana --print     # the line for Temporal's own command`;
