/** `sluice detach`: leave the weights as they are and let go. */

import type { Context } from '../context.ts';
import { byOption, reasonOption, rolloutArg, updateIdOption } from '../options.ts';
import type { Program } from '../command.ts';
import { sendRaise } from './raise.ts';

export function detachCommand(program: Program, context: Context): void {
  program
    .command('detach')
    .description('leave the weights as they are and end; from then on nobody watches or takes back')
    .addArgument(rolloutArg())
    .addOption(byOption('asks', context.io.user))
    .addOption(reasonOption().makeOptionMandatory())
    .addOption(updateIdOption())
    .addHelpText('after', examples)
    .action(context.ends((rollout, options) => sendRaise(context, rollout, 'detach', options)));
}

const examples = `
Examples:
  $ sluice detach production/web --reason "we move this service by hand today"
  $ temporal workflow signal -w rollout/production/web --name detach --input '{"by":"ana","reason":"by hand today"}'`;
