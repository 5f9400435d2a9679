/** Checks across a world's file: moments that are moments, timelines that begin, and names that the plan has too. */

import { leavesOf } from '../plan/criteria.ts';
import type { Plan } from '../plan/plan.ts';
import type { Cursor } from './cursor.ts';
import { wordsFor } from './expectations.ts';
import type { Finding } from './issues.ts';
import { didYouMean } from './nearest.ts';

/** `plan`: what the world is for; `null` when it is read alone. */
export function checkWorld(root: Cursor, plan: Plan | null): readonly Finding[] {
  const timelines = timelinesOf(root);
  const releases = root
    .at('releases')
    .entries()
    .map(([, release]) => release);
  const points = timelines.flatMap((timeline) => timeline.list().filter(isPoint));
  const events = ['proxy', 'acts'].flatMap((key) => root.at(key).list());
  const dies = releases.flatMap((release) => release.at('dies').list());
  const spans = [...root.at('faults').list(), ...releases.flatMap((release) => release.at('unready').list())];
  return [
    ...timelines.flatMap(beginsWell),
    ...[...points, ...events, ...dies].flatMap((place) => whenOf(place, 'needed')),
    ...spans.flatMap((place) => whenOf(place, 'may be missing')),
    ...root
      .at('acts')
      .list()
      .flatMap(needless('to', 'step-back', 'do')),
    ...root
      .at('people')
      .list()
      .flatMap(needless('soak', 'more-soak', 'decision')),
    ...(plan === null ? [] : againstPlan(root, plan)),
  ];
}

function timelinesOf(root: Cursor): readonly Cursor[] {
  const ofReleases = root
    .at('releases')
    .entries()
    .flatMap(([, release]) => ['errors', 'latency', 'smoke'].map((key) => release.at(key)));
  const ofCriteria = root
    .at('criteria')
    .entries()
    .flatMap(([, criterion]) => criterion.entries().map(([, timeline]) => timeline));
  return [root.at('requests'), ...ofReleases, ...ofCriteria];
}

function isPoint({ raw }: Cursor): boolean {
  return typeof raw === 'object' && raw !== null;
}

/** The first entry holds from the beginning, each further one from its moment on. */
function beginsWell(timeline: Cursor): readonly Finding[] {
  return timeline.list().flatMap((entry, index): readonly Finding[] => {
    if (index === 0 && isPoint(entry)) {
      return [
        {
          path: entry.path,
          message: 'the list does not say what holds first',
          expected: 'a bare value, then the changes',
        },
      ];
    }
    if (index > 0 && !isPoint(entry)) {
      return [
        {
          path: entry.path,
          message: 'nothing says from when on this holds',
          expected: '{ at: 10m, is: … } or { from: 25%, is: … }',
        },
      ];
    }
    return [];
  });
}

function whenOf(place: Cursor, moment: 'needed' | 'may be missing'): readonly Finding[] {
  const [at, from, after] = [place.at('at'), place.at('from'), place.at('after')];
  if (at.exists && from.exists) {
    return [{ path: from.path, at: 'key', message: 'two moments for one thing', expected: 'either at or from' }];
  }
  if (after.exists && !from.exists) {
    const expected = at.exists
      ? 'only at: the whole time since the beginning'
      : 'from: the weight after which it counts';
    return [{ path: after.path, at: 'key', message: 'after needs from', expected }];
  }
  if (moment === 'may be missing' || at.exists || from.exists || !isPoint(place)) return [];
  return [
    { path: place.path, message: 'nothing says when this happens', expected: 'at: 2h, or from: 25% with after: 10m' },
  ];
}

/** A key that means something with one word only. */
function needless(key: string, word: string, tag: string): (place: Cursor) => readonly Finding[] {
  return (place) => {
    const value = place.at(key);
    if (!value.exists || place.at(tag).raw === word) return [];
    return [{ path: value.path, at: 'key', message: `${key} belongs to ${word}`, expected: `${tag}: ${word}` }];
  };
}

function againstPlan(root: Cursor, plan: Plan): readonly Finding[] {
  const gates = plan.gates.flatMap(({ id }) => [id, id.replace(/@.*$/, '')]);
  const criteria = leavesOf(plan.criteria).map(({ id }) => id);
  return [
    ...root
      .at('criteria')
      .entries()
      .flatMap(([name, { path }]) => unknown('criterion', name, criteria, { path, at: 'key' })),
    ...root
      .at('people')
      .list()
      .map((answer) => answer.at('gate'))
      .flatMap((gate) => unknown('gate', gate.text(), gates, { path: gate.path })),
  ];
}

function unknown(
  kind: string,
  name: string | undefined,
  known: readonly string[],
  place: Pick<Finding, 'path' | 'at'>,
): readonly Finding[] {
  if (name === undefined || known.includes(name)) return [];
  const hint = didYouMean(name, known);
  const message = `the rollout has no ${kind} "${name.slice(0, 60)}"`;
  const expected = known.length === 0 ? `no ${kind}, it has none` : wordsFor(known);
  return [{ ...place, message, expected, ...(hint !== undefined && { hint }) }];
}
