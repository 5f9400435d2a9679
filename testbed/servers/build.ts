/** Builds a server from its Go module in `tools/`: once, even when several processes ask, and never half. */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { inProject } from '../root.ts';
import type { ServerRecipe } from './recipe.ts';

/** Builds to `output`, or waits for the process that is already at it. Returns `output`. */
export async function buildOnce(recipe: ServerRecipe, version: string, output: string): Promise<string> {
  mkdirSync(dirname(output), { recursive: true });
  const lock = `${output}.lock`;
  for (let waited = 0; !take(lock); waited++) {
    if (waited === 0) say(`waiting for another process that builds ${recipe.name} ${version}`);
    await sleep(500);
    if (existsSync(output)) return output;
  }
  try {
    if (!existsSync(output)) await build(recipe, version, output);
    return output;
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Takes a lock file unless a living process holds it. */
function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (holderLives(lock)) return false;
    rmSync(lock, { force: true });
    return take(lock);
  }
}

function holderLives(lock: string): boolean {
  try {
    const holder = Number(readFileSync(lock, 'utf8'));
    if (!Number.isInteger(holder) || holder <= 0) return false;
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // somebody else's process lives; ENOENT and ESRCH do not
  }
}

async function build(recipe: ServerRecipe, version: string, output: string): Promise<void> {
  const unfinished = `${output}.${process.pid}.tmp`;
  const tags = recipe.tags === null ? [] : ['-tags', recipe.tags];
  const flags = ['-trimpath', '-buildvcs=false', '-v', '-ldflags', recipe.ldflags(version), ...tags];
  say(`building ${recipe.name} ${version} with go, once: one to seven minutes`);
  const began = Date.now();
  try {
    await go(['build', ...flags, '-o', unfinished, recipe.package], recipe, version);
    renameSync(unfinished, output);
  } finally {
    rmSync(unfinished, { force: true });
  }
  say(`built ${recipe.name} ${version} in ${Math.round((Date.now() - began) / 1000)} s`);
}

async function go(args: readonly string[], recipe: ServerRecipe, version: string): Promise<void> {
  const child = spawn('go', args, { cwd: inProject('tools', recipe.folder), stdio: ['ignore', 'ignore', 'pipe'] });
  const last: string[] = [];
  let lines = 0;
  let shown = Date.now();
  createInterface({ input: child.stderr }).on('line', (line) => {
    last.push(line);
    if (last.length > 20) last.shift();
    lines++;
    if (Date.now() - shown < 5_000) return;
    shown = Date.now();
    say(`  ${recipe.name}: ${lines} packages so far, now ${line}`);
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', () => reject(new Error(advice('there is no Go to build it with', recipe, version))));
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(advice(`go build failed:\n${last.join('\n')}`, recipe, version)));
    });
  });
}

function advice(problem: string, recipe: ServerRecipe, version: string): string {
  return [
    `${recipe.name} ${version} is needed, but ${problem}`,
    'Any one of these helps:',
    `  - install Go ${goVersion(recipe)} or newer (https://go.dev/dl/) and try again: it is built from tools/${recipe.folder}`,
    `  - put a ${recipe.name} ${version} binary on the PATH`,
    `  - set ${recipe.variable} to the path of such a binary`,
  ].join('\n');
}

/** Major and minor, as the module itself says. */
function goVersion({ folder }: ServerRecipe): string {
  const [, version] = /^go (\d+\.\d+)/m.exec(readFileSync(inProject('tools', folder, 'go.mod'), 'utf8')) ?? [];
  if (version === undefined) throw new Error(`tools/${folder}/go.mod names no version of Go`);
  return version;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
