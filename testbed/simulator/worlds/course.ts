/** The course of a world: what was scripted happens at its own moments, before anything later is asked. */

import type { Moment } from '../../../spec/world-time.ts';
import { type History, nextAfter, timeOf } from './timeline.ts';

/** Something that happens once. */
export interface Happening {
  readonly when: Moment;
  happen(at: number): void;
}

export interface CourseOptions {
  readonly history: History;
  readonly happenings: readonly Happening[];
  /** Everything at which something changes by itself. */
  readonly moments: () => Iterable<Moment>;
  /** Takes stock of what is so at this moment. */
  readonly settle: (at: number) => void;
}

export interface Course {
  /** Lets everything happen up to a moment, in order. */
  advance(now: number): void;
  /** Stock is taken at this very moment, because something has changed. */
  settle(now: number): void;
  add(happening: Happening): void;
}

export function createCourse({ history, happenings, moments, settle }: CourseOptions): Course {
  const pending = new Set(happenings);
  let next = history.began;
  const look = (from: number) => {
    next = nextAfter([...moments(), ...[...pending].map(({ when }) => when)], from, history);
  };
  const fire = (at: number) => {
    for (const happening of pending) {
      const due = timeOf(happening.when, history);
      if (due === null || due > at) continue;
      pending.delete(happening);
      happening.happen(at);
    }
  };
  return {
    advance(now) {
      while (next <= now) {
        const at = next;
        fire(at);
        settle(at);
        look(at);
      }
    },
    settle(now) {
      settle(now);
      look(now);
    },
    add: (happening) => void pending.add(happening),
  };
}
