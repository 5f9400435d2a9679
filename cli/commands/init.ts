/** `sluice init`: a spec, a worker configuration and a directory to start from. */

import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { textArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Exit } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import type { Program } from '../command.ts';
import { directoryTemplate, fileNames, rolloutTemplate, workerTemplate, type Answers } from '../templates.ts';

export function initCommand(program: Program, context: Context): void {
  program
    .command('init')
    .description('write a rollout file, a worker configuration and a directory to start from')
    .option('--dir <folder>', 'where to write them', '.')
    .option('--service <name>', 'service that is rolled out', textArgument)
    .option('--environment <name>', 'environment, e.g. production', textArgument)
    .option('--image <name>', 'image repository without tag, e.g. registry.example/web', textArgument)
    .option('--person <name>', 'who may sign (else SLUICE_USER or the system user)', textArgument)
    .option('--public-url <url>', 'where the proxy answers users', textArgument)
    .option('--caddy-admin <url>', "Caddy's admin API", textArgument)
    .option('--prometheus <url>', 'Prometheus', textArgument)
    .option('--deploy-hook <url>', 'what starts a release in a slot', textArgument)
    .option('--slot-a <host:port>', 'first slot', textArgument)
    .option('--slot-b <host:port>', 'second slot', textArgument)
    .option('--force', 'overwrite files that are there')
    .addHelpText('after', examples)
    .action(context.ends(({ dir, force, ...given }) => init(context, dir, force === true, given)));
}

type Given = { readonly [Key in keyof Answers]?: Answers[Key] | undefined };

/** In the order of asking; `null` has no sensible default. */
const questions: readonly (readonly [keyof Answers, string, string | null])[] = [
  ['service', 'Service', null],
  ['environment', 'Environment', 'production'],
  ['image', 'Image repository, without tag', null],
  ['person', 'Who may sign', ''],
  ['publicUrl', 'URL where users arrive', 'http://127.0.0.1:8080'],
  ['caddyAdmin', "URL of Caddy's admin API", 'http://127.0.0.1:2019'],
  ['prometheus', 'URL of Prometheus', 'http://127.0.0.1:9090'],
  ['deployHook', 'URL of the deploy hook', 'http://127.0.0.1:9000'],
  ['slotA', 'host:port of the first slot', '127.0.0.1:8001'],
  ['slotB', 'host:port of the second slot', '127.0.0.1:8002'],
];

async function init(context: Context, dir: string, force: boolean, given: Given): Promise<Exit> {
  const answers = await complete(context.io, given, context.json);
  const files: readonly (readonly [string, string])[] = [
    [fileNames.rollout, rolloutTemplate(answers)],
    [fileNames.worker, workerTemplate(answers)],
    [fileNames.directory, directoryTemplate(answers)],
  ];
  await checkFiles(files);
  await mkdir(dir, { recursive: true });
  if (!force) await checkAbsent(files.map(([name]) => join(dir, name)));
  for (const [name, text] of files) await write(join(dir, name), text, force);
  const written = files.map(([name]) => join(dir, name));
  await context.print({ written }, () => nextSteps(written, answers));
  return 'ok';
}

async function complete(io: Io, given: Given, json: boolean): Promise<Answers> {
  const answers: Record<string, string> = {};
  for (const [key, question, usual] of questions) {
    const fallback = key === 'person' ? io.user : usual;
    const value = given[key] ?? (io.ask === null || json ? fallback : await askFor(io.ask, question, fallback));
    if (value === null) throw new CliError('usage', `${flagOf(key)} is missing, and nobody is there to be asked`);
    answers[key] = value;
  }
  return answers as unknown as Answers;
}

function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

async function askFor(
  ask: (question: string) => Promise<string>,
  question: string,
  fallback: string | null,
): Promise<string> {
  for (;;) {
    const said = (await ask(`${question}${fallback === null ? '' : ` [${fallback}]`}: `)).trim();
    if (said !== '') return said;
    if (fallback !== null) return fallback;
  }
}

/** An answer that makes a file invalid is told before anything is written. */
async function checkFiles([rollout, worker, directory]: readonly (readonly [string, string])[]): Promise<void> {
  const { problemsError } = await import('../specs.ts');
  const { parseSpec } = await import('../../spec/rollout.ts');
  const { parseWorkerConfig } = await import('../../spec/worker-config.ts');
  const { parseDirectory } = await import('../../spec/directory.ts');
  const parsed = [
    [rollout, parseSpec],
    [worker, parseWorkerConfig],
    [directory, parseDirectory],
  ] as const;
  for (const [file, parse] of parsed) {
    if (file === undefined) continue;
    const result = parse(file[1], file[0]);
    if (!result.ok) throw problemsError(file[0], result.problems);
  }
}

/** All or nothing: a half-written set would be in the way of the next try. */
async function checkAbsent(files: readonly string[]): Promise<void> {
  const there = files.filter((file) => existsSync(file));
  if (there.length === 0) return;
  throw new CliError('usage', `already there: ${there.join(', ')}; --force overwrites`, { data: { files: there } });
}

async function write(file: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    throw new CliError('usage', `${file}: ${(error as Error).message}`, { data: { file } });
  }
}

function nextSteps(written: readonly string[], { service, environment, image }: Answers): string {
  const [rollout = '', worker = ''] = written;
  return [
    ...written.map((file) => `wrote ${file}`),
    '',
    'Next:',
    `  sluice validate ${written.join(' ')}`,
    '  sluice setup',
    `  sluice worker --config ${worker}`,
    '  sluice doctor',
    `  sluice plan ${rollout} --image ${image}@sha256:… --label v2`,
    `  sluice start ${rollout} --image ${image}@sha256:… --label v2`,
    `  sluice watch ${environment}/${service}`,
  ].join('\n');
}

const examples = `
On a terminal everything that is not given is asked for.

Examples:
  $ sluice init
  $ sluice init --service web --environment production --image registry.example/web --dir deploy`;
