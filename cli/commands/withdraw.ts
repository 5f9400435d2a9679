/** `sluice withdraw`: take one's own answer back. */

import type { Context } from '../context.ts';
import { reasonOption } from '../options.ts';
import type { Program } from '../command.ts';
import { decisionCommand } from './decision-command.ts';

export function withdrawCommand(program: Program, context: Context): void {
  const description = "take back one's own answer while the gate is open";
  decisionCommand(program, context, { name: 'withdraw', description, reason: reasonOption(), examples });
}

const examples = `
Examples:
  $ sluice withdraw production/web wide@25% --by ana --reason "new findings"`;
