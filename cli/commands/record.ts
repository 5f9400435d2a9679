/** `sluice record`: all that is known of a rollout as one file, and whether such a file is still whole. */

import { InvalidArgumentError } from '@commander-js/extra-typings';
import { rolloutArgument } from '../arguments.ts';
import type { Program } from '../command.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Exit } from '../exit-codes.ts';
import { readText } from '../files.ts';
import { runOption } from '../options.ts';

export function recordCommand(program: Program, context: Context): void {
  program
    .command('record')
    .description(
      'the record of a rollout as JSON: plan, requests with evidence, timeline, outcome, and a digest of it all',
    )
    .argument('[rollout]', 'ENVIRONMENT/SERVICE', rolloutArgument)
    .addOption(runOption())
    .option('--check <file>', 'ask nobody: is the record in this file whole? (exit code 19 when not)')
    .option('--digest <digest>', 'and is it the one with this digest, as it was announced?', digestArgument)
    .addHelpText('after', examples)
    .action(
      context.ends((rollout, { run, check, digest }) => {
        if (check !== undefined) return checkFile(context, check, digest);
        if (rollout === undefined) throw new CliError('usage', 'name a rollout, or a file with --check');
        return print(context, rollout, run, digest);
      }),
    );
}

function digestArgument(text: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError('give it as sha256:<64 hex digits>.');
  return text;
}

/** The record itself goes to standard output with or without `--json`, so that it can be kept as it is. */
async function print(context: Context, rollout: string, run: string | undefined, digest?: string): Promise<Exit> {
  const found = await context.withSession((session, client) => client.record(session, rollout, run));
  const { record, from } = found;
  context.io.out(JSON.stringify(record, null, 2));
  const faults = await faultsOf(record, digest);
  for (const fault of faults) context.io.err(`sluice: ${fault}`);
  const { renderRecord } = await import('../render/record.ts');
  if (faults.length === 0) context.note(`${renderRecord(record)}\nfrom ${from}`);
  return faults.length === 0 ? 'ok' : 'changed';
}

async function checkFile(context: Context, file: string, digest: string | undefined): Promise<Exit> {
  const value = jsonOf(await readText(file), file);
  const faults = await faultsOf(value, digest);
  await context.print({ file, whole: faults.length === 0, faults }, async () => {
    const { isWhole, renderRecord } = await import('../render/record.ts');
    if (isWhole(value, faults)) return `${file}: whole\n${renderRecord(value)}`;
    return [`${file}: changed, cut or damaged`, ...faults.map((fault) => `  ${fault}`)].join('\n');
  });
  return faults.length === 0 ? 'ok' : 'changed';
}

async function faultsOf(value: unknown, digest: string | undefined): Promise<readonly string[]> {
  const { faultsOf: inside } = await import('../../plan/record.ts');
  const own = typeof value === 'object' && value !== null && 'digest' in value ? value.digest : null;
  const other = digest === undefined || digest === own ? [] : [`its digest is ${String(own)}, not ${digest}`];
  return [...inside(value), ...other];
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new CliError('changed', `${file}: no JSON: ${(error as Error).message}`, { data: { file } });
  }
}

const examples = `
Examples:
  $ sluice record production/web > record.json
  $ sluice record production/web --run 3f2a9c1b | jq '.requests[].decisions'
  $ sluice record --check record.json        # needs no server`;
