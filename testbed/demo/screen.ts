/** The demo's live view: a few lines a rollout, drawn over each other on a terminal, one line a change elsewhere. */

import logUpdate from 'log-update';
import { formatBp, formatElapsed, formatShare } from '../../plan/units.ts';
import type { Status } from '../../plan/status.ts';
import type { ScenarioName } from './scenario.ts';

export interface Screen {
  show(name: ScenarioName, status: Status): void;
  /** A line that stays. */
  say(text: string): void;
  done(): void;
}

export function createScreen(out: NodeJS.WriteStream = process.stdout): Screen {
  const states = new Map<ScenarioName, Status>();
  const said = new Map<ScenarioName, string>();
  const draw = () => logUpdate([...states].map(([name, status]) => block(name, status)).join('\n'));
  if (!out.isTTY) {
    return {
      show: (name, status) => {
        const line = headline(name, status);
        const key = `${status.phase} ${formatBp(status.weights.requestedBp)} ${status.outcome ?? ''}`;
        if (said.get(name) === key) return;
        said.set(name, key);
        out.write(`${line}\n`);
      },
      say: (text) => out.write(`${text}\n`),
      done: () => undefined,
    };
  }
  return {
    show: (name, status) => {
      states.set(name, status);
      draw();
    },
    say: (text) => {
      logUpdate.clear();
      out.write(`${text}\n`);
      draw();
    },
    done: () => logUpdate.done(),
  };
}

const marks = { done: '[x]', current: '[>]', ahead: '[ ]' } as const;

function block(name: ScenarioName, status: Status): string {
  const ladder = status.steps.map((step) => `${marks[step.state]} ${formatBp(step.weightBp)}`).join('  ');
  const verdicts = status.findings.map((finding) => `  ${finding.verdict.padEnd(12)} ${finding.sentence}`);
  return [headline(name, status), `  ${ladder}`, ...verdicts, ''].join('\n');
}

/** Where it is, the three weights, and what it waits for. */
function headline(name: ScenarioName, status: Status): string {
  const { requestedBp, acceptedBp, observedShare } = status.weights;
  const weights = [
    `requested ${formatBp(requestedBp)}`,
    `accepted ${acceptedBp === null ? 'unknown' : formatBp(acceptedBp)}`,
    `observed ${observedShare === null ? 'unknown' : formatShare(observedShare)}`,
  ].join(', ');
  const bake = status.phase === 'baking' && status.bake !== null ? `, bake ${formatElapsed(status.bake.validMs)}` : '';
  const awaited = status.requests
    .filter(({ state }) => state === 'open')
    .map(({ gate, missing }) => `${gate}: ${missing}`);
  const waits = awaited.length === 0 ? '' : `, awaits ${awaited.join('; ')}`;
  const why = status.reason === null ? '' : ` (${status.reason})`;
  return `${name.padEnd(9)} ${status.outcome ?? status.phase}${why}: ${weights}${bake}${waits}`;
}
