/** `sluice abort`: back to stable, from any state. */

import type { Context } from '../context.ts';
import { byOption, noReason, reasonOption, rolloutArg } from '../options.ts';
import type { Program } from '../command.ts';
import { sendControl } from './control.ts';

export function abortCommand(program: Program, context: Context): void {
  program
    .command('abort')
    .description('go back to stable at once, from any state')
    .addArgument(rolloutArg())
    .addOption(reasonOption().default(noReason))
    .addOption(byOption('asks', context.io.user))
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
  $ sluice abort production/web
  $ sluice abort production/web --reason "checkout is broken for guests"
  $ temporal workflow signal -w rollout/production/web --name abort --input '{"by":"ana","reason":"checkout is broken"}'`;
