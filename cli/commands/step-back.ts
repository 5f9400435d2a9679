/** `sluice step-back`: down to an earlier weight; the gates above it ask again. */

import { percentArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import { byOption, noReason, reasonOption, rolloutArg } from '../options.ts';
import type { Program } from '../command.ts';
import { sendControl } from './control.ts';

export function stepBackCommand(program: Program, context: Context): void {
  program
    .command('step-back')
    .description('go down to an earlier step and pause there; gates above it ask again')
    .addArgument(rolloutArg())
    .option('--to <weight>', "a weight of the plan's ladder, or 0% (else one step down)", percentArgument)
    .addOption(byOption('asks', context.io.user))
    .addOption(reasonOption().default(noReason))
    .addHelpText('after', examples)
    .action(
      context.ends((rollout, { to, by, reason }) =>
        sendControl(context, rollout, { kind: 'step-back', input: { by, reason, toBp: to ?? null } }),
      ),
    );
}

const examples = `
Examples:
  $ sluice step-back production/web --to 5% --reason "look at it with less traffic"
  $ temporal workflow signal -w rollout/production/web --name step-back --input '{"by":"ana","reason":"less traffic","to":"5%"}'`;
