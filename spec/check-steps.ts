/** Checks across steps: the ladder rises to everything, and no bake ends before it begins. */

import { ladderFaults } from '../plan/weights.ts';
import type { Cursor } from './cursor.ts';
import type { Finding } from './issues.ts';
import { duration, durationRange, weight } from './values.ts';

export function checkSteps(root: Cursor): readonly Finding[] {
  return [...checkLadder(root), ...checkBakes(root), ...checkWatch(root)];
}

function checkLadder(root: Cursor): readonly Finding[] {
  const steps = root.at('steps').list();
  const weights = steps.map((step) => step.at('weight').as(weight) ?? null);
  return ladderFaults(weights).map(({ index, message, expected }) => ({
    path: root.at('steps', index, 'weight').path,
    message,
    expected,
  }));
}

function checkBakes(root: Cursor): readonly Finding[] {
  return root
    .at('steps')
    .list()
    .flatMap((step) => {
      const bake = step.at('bake');
      const range = bake.as(durationRange);
      if (range?.maxMs == null || range.maxMs >= range.minMs) return [];
      const expected = (bake.text() ?? '').split('..').reverse().join('..');
      return [{ path: bake.path, message: `the range ${JSON.stringify(bake.raw)} is reversed`, expected }];
    });
}

function checkWatch(root: Cursor): readonly Finding[] {
  const watch = root.at('watch');
  const whole = watch.at('for').as(duration);
  const smoke = watch.at('smoke', 'for').as(duration);
  if (whole === undefined || smoke === undefined || smoke <= whole) return [];
  const expected = `at most the ${String(watch.at('for').raw)} of watch.for`;
  return [{ path: watch.at('smoke', 'for').path, message: 'smoke is scheduled for longer than the watch', expected }];
}
