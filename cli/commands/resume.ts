/** `sluice resume`: go on after a pause or a hold. */

import type { Context } from '../context.ts';
import { byOption, noReason, reasonOption, rolloutArg, updateIdOption } from '../options.ts';
import type { Program } from '../command.ts';
import { sendRaise } from './raise.ts';

export function resumeCommand(program: Program, context: Context): void {
  program
    .command('resume')
    .description('go on after a pause or a hold')
    .addArgument(rolloutArg())
    .addOption(byOption('asks', context.io.user))
    .addOption(reasonOption().default(noReason))
    .addOption(updateIdOption())
    .addHelpText('after', examples)
    .action(context.ends((rollout, options) => sendRaise(context, rollout, 'resume', options)));
}

const examples = `
Examples:
  $ sluice resume production/web --reason "the slow logins came from somewhere else"
  $ temporal workflow signal -w rollout/production/web --name resume --input '{"by":"ana","reason":"not ours"}'`;
