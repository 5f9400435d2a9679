/** `sluice abort`: back to stable, from any state. */

import { rolloutArgument, textArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import type { Program } from '../program.ts';
import { sendControl } from './control.ts';

export function abortCommand(program: Program, context: Context): void {
  program
    .command('abort')
    .description('go back to stable at once, from any state')
    .argument('<rollout>', 'ENVIRONMENT/SERVICE', rolloutArgument)
    .requiredOption('--reason <text>', 'why, for the record', textArgument)
    .option('--by <name>', 'who asks (else SLUICE_USER or the system user)', textArgument, context.io.user)
    .addHelpText('after', examples)
    .action(
      context.ends((rollout, { by, reason }) =>
        sendControl(context, rollout, { kind: 'abort', input: { by, reason } }),
      ),
    );
}

const examples = `
The message is stored at once, also while no worker runs, and wins every race.

Examples:
  $ sluice abort production/web --reason "checkout is broken for guests"
  $ temporal workflow signal -w rollout/production/web --name abort --input '{"by":"ana","reason":"checkout is broken"}'`;
