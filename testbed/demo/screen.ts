/** The demo's screen: pictures over each other on a terminal, one line a change elsewhere. */

import { liveOn } from '../../cli/live.ts';
import { painter } from '../../cli/render/paint.ts';
import { formatBp } from '../../plan/units.ts';
import type { Status } from '../../plan/status.ts';
import { headline, renderStage } from './picture.ts';
import type { ScenarioName } from './stage.ts';

export interface Screen {
  show(name: ScenarioName, status: Status): void;
  /** A line that stays. */
  say(text: string): void;
  /** May be called twice. */
  done(): void;
}

export function createScreen(out: NodeJS.WriteStream = process.stdout): Screen {
  return out.isTTY ? pictures(out) : lines(out);
}

function pictures(out: NodeJS.WriteStream): Screen {
  const live = liveOn(out);
  const paint = painter(process.env['NO_COLOR'] === undefined && out.hasColors());
  const states = new Map<ScenarioName, Status>();
  return {
    show: (name, status) => {
      states.set(name, status);
      live.show(renderStage(states, paint));
    },
    say: (text) => {
      live.say(text);
    },
    done: () => {
      live.done();
    },
  };
}

function lines(out: NodeJS.WriteStream): Screen {
  const said = new Map<ScenarioName, string>();
  return {
    show: (name, status) => {
      const key = `${status.phase} ${formatBp(status.weights.requestedBp)} ${status.outcome ?? ''}`;
      if (said.get(name) === key) return;
      said.set(name, key);
      out.write(`${headline(name, status)}\n`);
    },
    say: (text) => void out.write(`${text}\n`),
    done: () => undefined,
  };
}
