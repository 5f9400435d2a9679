/** `sluice reject`: say no to a gate. */

import { countArgument, rolloutArgument, textArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import type { Program } from '../program.ts';

export function rejectCommand(program: Program, context: Context): void {
  program
    .command('reject')
    .description('say no to an open gate; the rollout goes back')
    .argument('<rollout>', 'ENVIRONMENT/SERVICE', rolloutArgument)
    .argument('<gate>', 'gate as status shows it, e.g. wide@25%', textArgument)
    .option('--by <name>', 'who answers (else SLUICE_USER or the system user)', textArgument, context.io.user)
    .requiredOption('--reason <text>', 'why, for the record', textArgument)
    .option('--evidence <revision>', 'only if the evidence still has this revision', countArgument)
    .option('--update-id <id>', 'send again without applying it twice', textArgument)
    .option('--print', "send nothing, print the line for Temporal's own command")
    .option('--yes', 'do not ask on a terminal')
    .addHelpText('after', examples)
    .action(
      context.ends(async (rollout, gate, options) => {
        const { decideGate } = await import('./decision.ts');
        return decideGate(context, 'reject', rollout, gate, options);
      }),
    );
}

const examples = `
Examples:
  $ sluice reject production/web wide@25% --by ana --reason "login errors at 5%"`;
