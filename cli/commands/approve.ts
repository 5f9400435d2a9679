/** `sluice approve`: say yes to a gate on exactly the evidence that is shown. */

import { countArgument, rolloutArgument, textArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import type { Program } from '../program.ts';

export function approveCommand(program: Program, context: Context): void {
  program
    .command('approve')
    .description('say yes to an open gate, on the evidence that is shown')
    .argument('<rollout>', 'ENVIRONMENT/SERVICE', rolloutArgument)
    .argument('<gate>', 'gate as status shows it, e.g. wide@25%', textArgument)
    .option('--by <name>', 'who answers (else SLUICE_USER or the system user)', textArgument, context.io.user)
    .option('--reason <text>', 'a remark for the record', textArgument)
    .option('--evidence <revision>', 'only if the evidence still has this revision', countArgument)
    .option('--update-id <id>', 'send again without applying it twice', textArgument)
    .option('--print', "send nothing, print the line for Temporal's own command")
    .option('--yes', 'do not ask on a terminal')
    .addHelpText('after', examples)
    .action(
      context.ends(async (rollout, gate, options) => {
        const { decideGate } = await import('./decision.ts');
        return decideGate(context, 'approve', rollout, gate, options);
      }),
    );
}

const examples = `
Examples:
  $ sluice approve production/web go --by ana
  $ sluice approve production/web wide@25% --by ana --evidence 2
  $ sluice approve production/web go --by ana --print     # the line for Temporal's own command`;
