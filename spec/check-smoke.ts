/** Checks across smoke: suites that exist and can be aimed as they are; what is inside them is checked beside. */

import type { Cursor } from './cursor.ts';
import type { Finding } from './issues.ts';
import { wordsFor } from './expectations.ts';
import { didYouMean } from './nearest.ts';
import { checkSuite } from './check-smoke-suite.ts';
import { smokeRunPattern } from './smoke.ts';

export function checkSmoke(root: Cursor): readonly Finding[] {
  const suites = root.at('smoke', 'suites').entries();
  return [...suites.flatMap(([, suite]) => checkSuite(suite)), ...runsOf(root).flatMap((run) => checkRun(run, root))];
}

// ── Runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface RunAt {
  /** Where the suite is named. */
  readonly place: Cursor;
  readonly suite: string;
  readonly aim: string;
}

function runsOf(root: Cursor): readonly RunAt[] {
  const steps = root
    .at('steps')
    .list()
    .flatMap((step) => step.at('smoke').list());
  const scheduled = root.at('watch', 'smoke');
  const suite = scheduled.at('suite').text();
  const aim = scheduled.at('aim').text() ?? 'public';
  return [
    ...steps.flatMap((run) => runAt(run, 'canary')),
    ...root
      .at('rollback', 'confirm')
      .list()
      .flatMap((run) => runAt(run, 'stable')),
    ...(suite === undefined ? [] : [{ place: scheduled.at('suite'), suite, aim }]),
    ...root
      .at('switches')
      .list()
      .flatMap((one) => runAt(one.at('verify'), 'canary')),
  ];
}

function runAt(place: Cursor, aim: string): readonly RunAt[] {
  const groups = smokeRunPattern.exec(place.text() ?? '')?.groups;
  return groups?.['suite'] === undefined ? [] : [{ place, suite: groups['suite'], aim: groups['aim'] ?? aim }];
}

function checkRun({ place, suite, aim }: RunAt, root: Cursor): readonly Finding[] {
  const suites = root.at('smoke', 'suites').entries();
  const names = suites.map(([name]) => name);
  if (!names.includes(suite)) {
    const hint = didYouMean(suite, names);
    const expected = names.length === 0 ? 'a suite of smoke.suites, which is empty' : wordsFor(names);
    return [
      {
        path: place.path,
        message: `unknown smoke suite ${JSON.stringify(suite)}`,
        expected,
        ...(hint === undefined ? {} : { hint }),
      },
    ];
  }
  if (aim === 'canary' && !root.at('target', 'preview').exists)
    return [
      {
        path: place.path,
        message: 'the canary cannot be reached without a preview',
        expected: 'target.preview, or another aim such as @public',
      },
    ];
  if (aim === 'public' && !root.at('smoke', 'suites', suite, 'baseUrl', 'public').exists)
    return [
      {
        path: place.path,
        message: `suite ${suite} has no public address`,
        expected: `smoke.suites.${suite}.baseUrl.public`,
      },
    ];
  return [];
}
