/** Runs one command line from arguments to exit code; nothing escapes it but that number. */

import { CommanderError } from '@commander-js/extra-typings';
import type { Program } from './command.ts';
import type { Context } from './context.ts';
import { CliError, reportOf } from './errors.ts';
import { exitCodes, type Exit } from './exit-codes.ts';
import type { Io } from './io.ts';
import { createProgram } from './program.ts';

/** `args` without node and script. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { program, context } = createProgram(io);
  if (args.length === 0) {
    program.outputHelp();
    return exitCodes.usage.code;
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCodes[context.exit].code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok.code;
    // The flag itself, because parsing may have failed before it was seen.
    return exitCodes[report(usageError(error, helpFor(program, args)), context, args.includes('--json'))].code;
  }
}

function report(error: unknown, context: Context, json: boolean): Exit {
  const { exit, text, json: facts } = reportOf(error);
  if (json) context.io.out(JSON.stringify(facts, null, 2));
  else context.io.err(context.typable(text));
  return exit;
}

/** The help that says what the line should have been: of its command, where it has one. */
function helpFor(program: Program, args: readonly string[]): string {
  const names = program.commands.map((command) => command.name());
  const named = args.find((arg) => names.includes(arg));
  return named === undefined ? 'sluice --help' : `sluice ${named} --help`;
}

/** `error: unknown option …` with its suggestion. */
function usageError(error: unknown, help: string): unknown {
  if (!(error instanceof CommanderError)) return error;
  const [message = '', ...details] = error.message.replace(/^error: /, '').split('\n');
  return new CliError('usage', message, { details: [...details, `see ${help}`] });
}
