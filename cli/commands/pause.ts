/** `sluice pause`: stay at the present weight, watched, with the bake clock stopped. */

import type { Context } from '../context.ts';
import { byOption, noReason, reasonOption, rolloutArg } from '../options.ts';
import type { Program } from '../command.ts';
import { sendControl } from './control.ts';

export function pauseCommand(program: Program, context: Context): void {
  program
    .command('pause')
    .description('stay at the present weight until resumed; a failing criterion still goes back')
    .addArgument(rolloutArg())
    .addOption(byOption('asks', context.io.user))
    .addOption(reasonOption().default(noReason))
    .addHelpText('after', examples)
    .action(
      context.ends((rollout, { by, reason }) =>
        sendControl(context, rollout, { kind: 'pause', input: { by, reason } }),
      ),
    );
}

const examples = `
Examples:
  $ sluice pause production/web --reason "support sees slow logins"
  $ temporal workflow signal -w rollout/production/web --name pause --input '{"by":"ana","reason":"slow logins"}'`;
