/** How answers to a gate look on the command line: the same gate, the same options, another word. */

import { Argument, type Command, type Option } from '@commander-js/extra-typings';
import { countArgument, textArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import { byOption, rolloutArg, updateIdOption } from '../options.ts';
import type { Program } from '../command.ts';

export interface DecisionCommand {
  readonly name: 'approve' | 'reject' | 'withdraw';
  readonly description: string;
  readonly reason: ReasonOption;
  readonly examples: string;
}

type ReasonOption = Option<'--reason <text>', undefined, undefined, string, boolean>;

export function decisionCommand(program: Program, context: Context, command: DecisionCommand): void {
  const answer = program
    .command(command.name)
    .description(command.description)
    .addArgument(rolloutArg())
    .addArgument(gateArg());
  withDecisionOptions(answer, context, command.reason)
    .addHelpText('after', command.examples)
    .action(
      context.ends(async (id, gate, options) => {
        const { decideGate } = await import('./decision.ts');
        return decideGate(context, command.name, id, gate, options);
      }),
    );
}

export const gateArg = () => new Argument('<gate>', 'gate as status shows it, e.g. wide@25%').argParser(textArgument);

/** What every answer can be given with. */
export function withDecisionOptions<Args extends unknown[]>(
  command: Command<Args>,
  context: Context,
  reason: ReasonOption,
) {
  return command
    .addOption(byOption('answers', context.io.user))
    .addOption(reason)
    .option('--evidence <revision>', 'only if the evidence still has this revision', countArgument)
    .addOption(updateIdOption())
    .option('--print', "send nothing, print the line for Temporal's own command")
    .option('--yes', 'do not ask on a terminal');
}
