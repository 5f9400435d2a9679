/** `sluice help`: of a command, or of a topic. */

import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { exitCodeHelp, exitCodes } from '../exit-codes.ts';
import type { Program } from '../command.ts';

export function helpCommand(program: Program, context: Context): void {
  program
    .command('help')
    .description('help of a command, or of the topic exit-codes')
    .argument('[topic]', 'a command, or exit-codes')
    .action(async (topic) => {
      if (topic === 'exit-codes') await context.print(exitCodes, exitCodeHelp);
      else commandOf(program, topic).outputHelp();
    });
}

function commandOf(program: Program, topic: string | undefined): Pick<Program, 'outputHelp'> {
  if (topic === undefined) return program;
  const command = program.commands.find((candidate) => candidate.name() === topic);
  if (command !== undefined) return command;
  throw new CliError('usage', `there is no help on "${topic}"`, { details: ['see sluice --help'] });
}
