import { describe, expect, test } from 'vitest';
import { calledAs, typable } from '../../cli/called.ts';

describe('the command that a person types', () => {
  test.each([
    ['/srv/sluice/bin/sluice', '/srv/sluice', './bin/sluice'],
    ['/srv/sluice/bin/sluice', '/srv/sluice/examples', '../bin/sluice'],
    ['/srv/sluice/bin/sluice', '/srv/sluice/bin', './sluice'],
    ['/srv/sluice/bin/sluice', '/home/ana/work', '/srv/sluice/bin/sluice'],
    ['/srv/my clones/bin/sluice', '/home/ana/work', "'/srv/my clones/bin/sluice'"],
    ['/usr/local/bin/sluice', '/home/ana', 'sluice'],
    [undefined, '/home/ana', 'sluice'],
  ])('for %s in %s is %s', (script, cwd, command) => {
    expect(calledAs(script, cwd, '/usr/bin:/usr/local/bin')).toBe(command);
  });
});

describe('texts that name commands', () => {
  const here = (text: string) => typable(text, './bin/sluice', ['approve', 'worker', 'help', 'step-back']);

  test.each([
    ['1 of sre: sluice approve demo/good go', '1 of sre: ./bin/sluice approve demo/good go'],
    ['start one with `sluice worker --config FILE`', 'start one with `./bin/sluice worker --config FILE`'],
    ['  $ sluice step-back a/b\n  $ sluice help x', '  $ ./bin/sluice step-back a/b\n  $ ./bin/sluice help x'],
    ['see sluice --help', 'see ./bin/sluice --help'],
  ])('%j can be typed as they stand', (text, typed) => {
    expect(here(text)).toBe(typed);
    expect(here(typed)).toBe(typed);
    expect(typable(text, 'sluice', ['approve'])).toBe(text);
  });

  test.each(['sluice: no such rollout', 'run sluice workers', 'task queue "sluice" approve', 'ask sluice nicely'])(
    '%j names none, and stays',
    (text) => {
      expect(here(text)).toBe(text);
    },
  );
});
