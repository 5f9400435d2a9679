/** A picture that replaces the one before on a terminal, and never scrolls it: too long or too wide, it is cut. */

import { createLogUpdate } from 'log-update';
import { fitted } from './render/fit.ts';

export interface Live {
  /** Replaces the picture shown before. */
  show(picture: string): void;
  /** A line that stays, above the picture. */
  say(line: string): void;
  /** Leaves the last picture standing, with all its lines; may be called twice. */
  done(): void;
}

export function liveOn(out: NodeJS.WriteStream): Live {
  const screen = createLogUpdate(out);
  let last: string | null = null;
  let rows = 0;
  const draw = (picture: string): void => {
    const text = fitted(picture, { width: out.columns, height: out.rows });
    const now = text.split('\n').length;
    // log-update patches a picture line by line, which loses lines when it becomes longer or shorter.
    if (now !== rows) screen.clear();
    screen(text);
    rows = now;
    last = picture;
  };
  return {
    show: draw,
    say: (line) => {
      screen.clear();
      out.write(`${line}\n`);
      if (last !== null) screen(fitted(last, { width: out.columns, height: out.rows }));
    },
    done: () => {
      if (last !== null) {
        screen.clear();
        out.write(`${fitted(last, { width: out.columns, height: Infinity })}\n`);
      }
      last = null;
      screen.done();
    },
  };
}
