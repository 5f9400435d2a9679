import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { candidates, type Known } from '../../cli/completion.ts';
import { processIo } from '../../cli/io.ts';
import { createProgram } from '../../cli/program.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { sluice } from './terminal.ts';

const folder = temporaryFolder('completion');
const { program } = createProgram(processIo());
const known: Known = {
  rollouts: async () => ['production/web', 'production/shop', 'test/web'],
  gates: async (rollout) => (rollout === 'production/web' ? ['go', 'wide@25%'] : []),
};

describe('what could stand next', () => {
  test.each<[string, readonly string[]]>([
    ['ap', ['approve']],
    ['status ', ['production/shop', 'production/web', 'test/web']],
    ['status test', ['test/web']],
    ['--namespace x status test', ['test/web']],
    ['approve production/web ', ['go', 'wide@25%']],
    ['approve production/web w', ['wide@25%']],
    ['approve --by ana production/web w', ['wide@25%']],
    ['approve --by ', []],
    ['approve production/web --ev', ['--evidence']],
    ['list --o', ['--open']],
    ['completion ', ['bash', 'fish', 'zsh']],
    ['help e', ['edit', 'exit-codes', 'explain']],
    ['validate ', []],
  ])('after `sluice %s`', async (line, found) => {
    expect(await candidates(program, line.split(' '), known)).toEqual(found);
  });
});

it('is what bash offers, gates with an @ in their names too', async () => {
  const { out } = await sluice(['completion', 'bash']);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'sluice'),
    '#!/bin/sh\nshift 2\nfor last; do :; done\nprintf "%s\\n" wide@25% wide@50% | grep "^$last"\n',
  );
  chmodSync(join(bin, 'sluice'), 0o755);
  const offered = (line: string, words: readonly string[]) => {
    const script = `${out}
COMP_LINE=$1; COMP_POINT=\${#1}; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice sluice
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', line, ...words], {
      env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` },
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout.trim().split('\n');
  };
  expect(offered('sluice approve production/web ', ['sluice', 'approve', 'production/web', ''])).toEqual([
    'wide@25%',
    'wide@50%',
  ]);
  expect(
    offered('sluice approve production/web wide@2', ['sluice', 'approve', 'production/web', 'wide', '@', '2']),
  ).toEqual(['25%']);
});

/** How each shell is asked what it offers after `sluice approve production/web wide@2`. */
const others = {
  zsh: (folder: string) => `fpath=(${folder} $fpath); autoload -Uz _sluice; compdef() { :; }
compadd() { print -l -- \${(P)2}; }; words=(sluice approve production/web wide@2); CURRENT=4; _sluice`,
  fish: (folder: string) => `source ${folder}/_sluice; complete -C 'sluice approve production/web wide@2'`,
};
const installed = (['zsh', 'fish'] as const).filter((shell) => spawnSync(shell, ['-c', 'true']).status === 0);

it.each(installed)('is what %s offers, the first time too', async (shell) => {
  const place = join(folder, shell);
  mkdirSync(place);
  writeFileSync(join(place, '_sluice'), (await sluice(['completion', shell])).out);
  writeFileSync(
    join(place, 'sluice'),
    '#!/bin/sh\n[ "$*" = "complete -- approve production/web wide@2" ] && echo wide@25%\n',
  );
  chmodSync(join(place, 'sluice'), 0o755);
  const { stdout, stderr } = spawnSync(shell, ['-c', others[shell](place)], {
    env: { PATH: `${place}:${process.env['PATH'] ?? ''}`, HOME: place },
    encoding: 'utf8',
  });
  expect([stdout.trim(), stderr]).toEqual(['wide@25%', '']);
});
