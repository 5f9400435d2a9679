import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { seal } from '../../plan/record.ts';
import { recordBody } from '../plan/records.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { sluice } from './terminal.ts';

const folder = temporaryFolder('record');

function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe('record --check', () => {
  const record = seal(recordBody());
  const whole = () => written('whole.json', JSON.stringify(record, null, 2));

  it('says whose record a whole file is, without asking anybody', async () => {
    const { exit, out } = await sluice(['record', '--check', whole()]);
    expect(exit).toBe(0);
    expect(out.replace(folder, '').replace(record.digest, 'DIGEST')).toMatchInlineSnapshot(`
      "/whole.json: whole
        rollout      production/web, run run-1
        release      v2 (sha256:abababababab)
        asked for    by ana, 2026-11-22T11:17:00Z
        outcome      rolled-back, 2026-11-22T12:00:00Z
        reason       criterion errors failed: 7% > 1%
        events       2
        gates asked  1
        decisions    1
        digest       DIGEST"
    `);
  });

  test.each([
    ['changed', (text: string) => text.replace('7% > 1%', '0.7% > 1%'), 'the record is not what its digest'],
    ['cut', (text: string) => text.slice(0, -200), 'no JSON'],
    ['another file', () => '{"kind": "Rollout"}', 'its format is not sluice/record/v1'],
    ['no object', () => '17', 'it is no record of a rollout'],
  ])('ends with 19 when the file is %s', async (name, change, words) => {
    const file = written(`${name}.json`, change(JSON.stringify(record)));
    const { exit, out, err } = await sluice(['record', '--check', file]);
    expect(exit).toBe(19);
    expect(`${out}${err}`).toContain(words);
    const { exit: again, out: json } = await sluice(['record', '--check', file, '--json']);
    expect(again).toBe(19);
    expect(JSON.parse(json)).toBeTypeOf('object');
  });

  it('tells a record that is whole from the one that was announced', async () => {
    const announced = `sha256:${'0'.repeat(64)}`;
    const { exit, out } = await sluice(['record', '--check', whole(), '--digest', announced]);
    expect(exit).toBe(19);
    expect(out).toContain(`its digest is ${record.digest}, not ${announced}`);
    expect((await sluice(['record', '--check', whole(), '--digest', record.digest])).exit).toBe(0);
  });

  it('makes what a file says safe for the terminal', async () => {
    const evil = seal(recordBody({ leftOut: ['\u001b[2Jgone'] }));
    const { out } = await sluice(['record', '--check', written('evil.json', JSON.stringify(evil))]);
    expect(out).toContain('gone');
    expect(out).not.toContain('\u001b');
  });
});

test.each([
  [['record'], 'name a rollout, or a file with --check'],
  [['record', '--check', '/nowhere.json'], 'no such file'],
  [['record', 'production/web', '--run', 'x'], 'at least 4 characters'],
])('%j is the user’s mistake', async (args, words) => {
  const { exit, err } = await sluice(args);
  expect(exit).toBe(2);
  expect(err).toContain(words);
});
