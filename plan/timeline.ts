/** What happened, in order: the events that `timeline` shows and the record keeps. */

import type { Outcome } from './phases.ts';

/** `code` is stable for programs, `text` is the sentence for people. */
export interface TimelineEvent {
  readonly at: number;
  readonly code: TimelineCode;
  readonly text: string;
}

export type TimelineCode =
  | 'started'
  | 'refused'
  | 'gate-opened'
  | 'gate-reminded'
  | 'decision'
  | 'evidence-worse'
  | 'gate-passed'
  | 'gate-expired'
  | 'deployed'
  | 'shifted'
  | 'confirmed'
  | 'smoke'
  | 'bake-clean'
  | 'verdict'
  | 'held'
  | 'paused'
  | 'resumed'
  | 'frozen'
  | 'lifted'
  | 'flipped'
  | 'superseded'
  | 'detached'
  | 'edited'
  | 'stepped-back'
  | 'drift'
  | 'turned-back'
  | 'zero'
  | 'restored'
  | 'promoted'
  | 'watched'
  | 'retired'
  | 'warning'
  | 'ignored'
  | 'dropped'
  | `outcome:${Outcome}`;
