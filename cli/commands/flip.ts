/** `sluice flip`: turns one of the plan's kill switches off; traffic stays where it is. */

import { Argument } from '@commander-js/extra-typings';
import { textArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import { byOption, noReason, reasonOption, rolloutArg } from '../options.ts';
import type { Program } from '../command.ts';
import { sendControl } from './control.ts';

export function flipCommand(program: Program, context: Context): void {
  program
    .command('flip')
    .description(
      'turn a kill switch of the plan off and try it; nobody but a person turns it on again, outside of Sluice',
    )
    .addArgument(rolloutArg())
    .addArgument(new Argument('<switch>', 'its id in the spec').argParser(textArgument))
    .addOption(byOption('asks', context.io.user))
    .addOption(reasonOption().default(noReason))
    .addHelpText('after', examples)
    .action(
      context.ends((rollout, id, { by, reason }) =>
        sendControl(context, rollout, { kind: 'flip', input: { by, reason, switch: id } }),
      ),
    );
}

const examples = `
Examples:
  $ sluice flip production/sti-chat smart-mode --reason "the model answers nonsense"
  $ temporal workflow signal -w rollout/production/sti-chat --name flip --input '{"by":"ana","reason":"nonsense","switch":"smart-mode"}'`;
