/** `sluice validate`: every problem of every file, without any server. */

import type { Problem } from '../../spec/diagnostics.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Exit } from '../exit-codes.ts';
import { readText } from '../files.ts';
import type { Program } from '../command.ts';

export function validateCommand(program: Program, context: Context): void {
  program
    .command('validate')
    .description('check rollout files, worker configurations, directories and worlds; needs no server')
    .argument('<file...>', 'YAML files')
    .addHelpText('after', examples)
    .action(context.ends((files) => validate(context, files)));
}

interface Checked {
  readonly file: string;
  readonly kind: string;
  readonly ok: boolean;
  readonly problems: readonly Problem[];
}

async function validate(context: Context, files: readonly string[]): Promise<Exit> {
  const checked = await Promise.all(files.map(check));
  const { renderProblems, summarizeProblems } = await import('../../spec/diagnostics.ts');
  const render = ({ file, kind, ok, problems }: Checked): string => {
    if (kind === unread) return problems.map(({ message }) => `${file}: ${message}`).join('\n');
    if (problems.length === 0) return `${file}: valid ${kind}`;
    return [renderProblems(problems), '', `${summarizeProblems(file, problems)}${ok ? ` (valid ${kind})` : ''}`].join(
      '\n',
    );
  };
  await context.print(checked, () => checked.map(render).join('\n\n'));
  return checked.every(({ ok }) => ok) ? 'ok' : 'usage';
}

/** Only the parser that is needed is loaded. */
async function check(file: string): Promise<Checked> {
  const text = await readText(file).catch((error: unknown) => error);
  if (text instanceof CliError) return unreadable(file, text);
  if (typeof text !== 'string') throw text;
  const kind = kindOf(text);
  const result = await parse(kind, text, file);
  return { file, kind, ok: result.ok, problems: result.ok ? result.warnings : result.problems };
}

const unread = 'unread';

/** A file that cannot be read keeps nobody from what is wrong with the others. */
function unreadable(file: string, { message }: CliError): Checked {
  const problem = { file, line: 1, column: 1, path: '', message: message.slice(`${file}: `.length) };
  return { file, kind: unread, ok: false, problems: [{ ...problem, severity: 'error' }] };
}

type Kind = 'Rollout' | 'Worker' | 'Directory' | 'World';

/** A file that does not say is taken for a rollout, whose report then says what is missing. */
function kindOf(text: string): Kind {
  const kind = /^[ \t{,]*["']?kind["']?[ \t]*:[ \t]*["']?(\w+)/m.exec(text)?.[1];
  return kind === 'Worker' || kind === 'Directory' || kind === 'World' ? kind : 'Rollout';
}

async function parse(kind: Kind, text: string, file: string) {
  switch (kind) {
    case 'Rollout':
      return (await import('../../spec/rollout.ts')).parseSpec(text, file);
    case 'Worker':
      return (await import('../../spec/worker-config.ts')).parseWorkerConfig(text, file);
    case 'Directory':
      return (await import('../../spec/directory.ts')).parseDirectory(text, file);
    case 'World':
      return (await import('../../spec/world.ts')).parseWorld(text, file);
  }
}

const examples = `
Examples:
  $ sluice validate rollout.yaml
  $ sluice validate rollout.yaml worker.yaml directory.yaml --json`;
