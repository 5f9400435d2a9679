/** `sluice freeze` and `sluice lift`: nothing rises while frozen, however clean; going back is always allowed. */

import type { Context } from '../context.ts';
import { byOption, noReason, reasonOption, rolloutArg, updateIdOption } from '../options.ts';
import type { Program } from '../command.ts';
import { sendControl } from './control.ts';
import { sendRaise } from './raise.ts';

export function freezeCommand(program: Program, context: Context): void {
  program
    .command('freeze')
    .description('let no weight rise until it is lifted, whatever people approve or resume')
    .addArgument(rolloutArg())
    .addOption(byOption('asks', context.io.user))
    .addOption(reasonOption().default(noReason))
    .addHelpText('after', freezeExamples)
    .action(
      context.ends((rollout, { by, reason }) =>
        sendControl(context, rollout, { kind: 'freeze', input: { by, reason } }),
      ),
    );
}

export function liftCommand(program: Program, context: Context): void {
  program
    .command('lift')
    .description('end a freeze')
    .addArgument(rolloutArg())
    .addOption(byOption('asks', context.io.user))
    .addOption(reasonOption().default(noReason))
    .addOption(updateIdOption())
    .addHelpText('after', liftExamples)
    .action(context.ends((rollout, options) => sendRaise(context, rollout, 'lift', options)));
}

const freezeExamples = `
Examples:
  $ sluice freeze production/web --reason "incident 4711 is open"
  $ temporal workflow signal -w rollout/production/web --name freeze --input '{"by":"ana","reason":"incident 4711"}'`;

const liftExamples = `
Examples:
  $ sluice lift production/web --reason "incident 4711 is closed"
  $ temporal workflow signal -w rollout/production/web --name lift --input '{"by":"ana","reason":"closed"}'`;
