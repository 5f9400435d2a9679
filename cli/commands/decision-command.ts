/** How `approve`, `reject` and `withdraw` look on the command line: the same gate, the same options, another word. */

import type { Option } from '@commander-js/extra-typings';
import { countArgument, textArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import { byOption, rolloutArg, updateIdOption } from '../options.ts';
import type { Program } from '../command.ts';

export interface DecisionCommand {
  readonly name: 'approve' | 'reject' | 'withdraw';
  readonly description: string;
  readonly reason: Option<'--reason <text>', undefined, undefined, string, boolean>;
  readonly examples: string;
}

export function decisionCommand(program: Program, context: Context, command: DecisionCommand): void {
  program
    .command(command.name)
    .description(command.description)
    .addArgument(rolloutArg())
    .argument('<gate>', 'gate as status shows it, e.g. wide@25%', textArgument)
    .addOption(byOption('answers', context.io.user))
    .addOption(command.reason)
    .option('--evidence <revision>', 'only if the evidence still has this revision', countArgument)
    .addOption(updateIdOption())
    .option('--print', "send nothing, print the line for Temporal's own command")
    .option('--yes', 'do not ask on a terminal')
    .addHelpText('after', command.examples)
    .action(
      context.ends(async (id, gate, options) => {
        const { decideGate } = await import('./decision.ts');
        return decideGate(context, command.name, id, gate, options);
      }),
    );
}
