/** `sluice withdraw`: take one's own answer back. */

import { countArgument, rolloutArgument, textArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import type { Program } from '../program.ts';

export function withdrawCommand(program: Program, context: Context): void {
  program
    .command('withdraw')
    .description("take back one's own answer while the gate is open")
    .argument('<rollout>', 'ENVIRONMENT/SERVICE', rolloutArgument)
    .argument('<gate>', 'gate as status shows it, e.g. wide@25%', textArgument)
    .option('--by <name>', 'who answers (else SLUICE_USER or the system user)', textArgument, context.io.user)
    .option('--reason <text>', 'why, for the record', textArgument)
    .option('--evidence <revision>', 'only if the evidence still has this revision', countArgument)
    .option('--update-id <id>', 'send again without applying it twice', textArgument)
    .option('--print', "send nothing, print the line for Temporal's own command")
    .option('--yes', 'do not ask on a terminal')
    .addHelpText('after', examples)
    .action(
      context.ends(async (rollout, gate, options) => {
        const { decideGate } = await import('./decision.ts');
        return decideGate(context, 'withdraw', rollout, gate, options);
      }),
    );
}

const examples = `
Examples:
  $ sluice withdraw production/web wide@25% --by ana --reason "new findings"`;
