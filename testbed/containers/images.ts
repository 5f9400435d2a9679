/** Images of the container demo service: one static binary, and a file that says how a release behaves. */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inProject } from '../root.ts';

/** As `app/main.go` reads it. */
export interface Behaviour {
  /** Makes an image different from others; the service does not read it. */
  readonly label?: string;
  readonly app: string;
  /** Every how manieth request is answered with 500; 0: none. */
  readonly failEvery?: number;
  /** What `/healthz` answers. @default 200 */
  readonly health?: number;
  /** It ends at once with this code when it is not 0. */
  readonly exit?: number;
}

/** Builds the binary into a folder; returns its path. */
export function buildApp(folder: string): string {
  const binary = join(folder, 'app');
  const { status, error, stderr } = spawnSync(
    'go',
    ['build', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', binary, '.'],
    { cwd: inProject('testbed', 'containers', 'app'), env: { ...process.env, CGO_ENABLED: '0' }, encoding: 'utf8' },
  );
  if (status === 0) return binary;
  throw new Error(`the container demo service cannot be built: ${error?.message ?? stderr}`);
}

/** The one layer of an image, as a tar. */
export function layerOf(binary: string, folder: string, behaviour: Behaviour): Uint8Array {
  const root = mkdtempSync(join(folder, 'layer-'));
  mkdirSync(root, { recursive: true });
  copyFileSync(binary, join(root, 'app'));
  writeFileSync(join(root, 'release.json'), JSON.stringify({ failEvery: 0, health: 200, exit: 0, ...behaviour }));
  const tar = join(folder, `${root.slice(root.lastIndexOf('layer-'))}.tar`);
  const args = [
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mtime=@0',
    '-C',
    root,
    '-cf',
    tar,
    'app',
    'release.json',
  ];
  const { status, stderr } = spawnSync('tar', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tar: ${stderr}`);
  return readFileSync(tar);
}
