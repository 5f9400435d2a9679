/** An edit of a running rollout's plan: one difference, and whether it tightens, must be asked, or cannot be. */

import canonicalize from 'canonicalize';
import type { SmokeRun } from './smoke.ts';
import { formatDuration } from './units.ts';

/** One difference between the running plan and an edited one. */
export interface Edit {
  /**
   * `tighter`: applied at once. `needs-asking`: applied when a gate has said yes to the new plan. `forbidden`: not while
   * this rollout runs.
   */
  readonly kind: 'tighter' | 'needs-asking' | 'forbidden';
  /** For people, with both values. */
  readonly sentence: string;
}

/** How far the running plan has come: what lies behind it cannot be edited. */
export interface Position {
  /** Index of the present step, or of the one that is being taken; -1 before the first. */
  readonly step: number;
  /** The gates at the start are passed. */
  readonly begun: boolean;
  readonly promoted: boolean;
  /** The watch after promotion is over. */
  readonly watched: boolean;
}

/** What people and rules have to do with a set of edits. */
export type EditVerdict = 'same' | Edit['kind'];

/** The worst of them decides. */
export function verdictOf(edits: readonly Edit[]): EditVerdict {
  const kinds = ['forbidden', 'needs-asking', 'tighter'] as const;
  return kinds.find((kind) => edits.some((edit) => edit.kind === kind)) ?? 'same';
}

/** Equal as JSON, whatever the order of keys. */
export function isSame(one: unknown, other: unknown): boolean {
  return canonicalize(one) === canonicalize(other);
}

/** Which way a duration tightens, and what the other way is. */
export interface Way {
  readonly tighter: 'longer' | 'shorter';
  readonly otherwise: 'needs-asking' | 'forbidden';
}

/** At most one edit: how a duration (ms) changes; `what` completes "… is 1h instead of 30m". */
export function durationEdits(what: string, from: number, to: number, way: Way): readonly Edit[] {
  if (from === to) return [];
  const isTighter = way.tighter === 'longer' ? to > from : to < from;
  const sentence = `${what} is ${formatDuration(to)} instead of ${formatDuration(from)}`;
  return [{ kind: isTighter ? 'tighter' : way.otherwise, sentence }];
}

/** Smoke may be added, never taken away. `where` begins the sentence. */
export function runEdits(where: string, from: readonly SmokeRun[], to: readonly SmokeRun[]): readonly Edit[] {
  const missing = from.filter((run) => !to.some((other) => isSame(run, other)));
  const added = to.filter((run) => !from.some((other) => isSame(run, other)));
  return [
    ...missing.map(({ suite, aim }): Edit => {
      const sentence = `${where}: smoke ${suite} at ${aim} cannot be taken away while it runs`;
      return { kind: 'forbidden', sentence };
    }),
    ...added.map(({ suite, aim }): Edit => ({
      kind: 'tighter',
      sentence: `${where}: smoke ${suite} at ${aim} is added`,
    })),
  ];
}
