/** The demo's live picture and its plain lines: a few lines for each rollout, pure value → text. */

import { bar } from '../../cli/render/text.ts';
import { ladder, unobserved } from '../../cli/render/parts.ts';
import type { Paint } from '../../cli/render/paint.ts';
import type { Status } from '../../plan/status.ts';
import { formatBp, formatDuration, formatElapsed, formatShare } from '../../plan/units.ts';
import type { ScenarioName } from './stage.ts';

/** Everything that is shown at once; one that has ended needs two lines only. */
export function renderStage(states: ReadonlyMap<ScenarioName, Status>, paint: Paint): string {
  return [...states].flatMap(([name, status]) => rollout(name, status, paint)).join('\n');
}

const nameWidth = 10;

function rollout(name: ScenarioName, status: Status, paint: Paint): readonly string[] {
  const lines = [`${status.outcome ?? status.phase}${reasonOf(status)}`, ladder(status, paint)];
  if (status.outcome === null) {
    lines.push(weightsOf(status), ...bakeOf(status), ...verdictsOf(status), ...awaitedOf(status));
  }
  return lines.map(
    (line, index) => `${index === 0 ? paint.bold(name.padEnd(nameWidth)) : ' '.repeat(nameWidth)}${line}`,
  );
}

/** Where it is, the three weights, and what it waits for, in one line. */
export function headline(name: ScenarioName, status: Status): string {
  const rest = [weightsOf(status), ...awaitedOf(status)].join(', ');
  return `${name.padEnd(nameWidth)}${status.outcome ?? status.phase}${reasonOf(status)}: ${rest}`;
}

function reasonOf({ reason }: Status): string {
  return reason === null ? '' : ` (${reason})`;
}

function weightsOf(status: Status): string {
  const { requestedBp, acceptedBp, observedShare } = status.weights;
  return [
    `requested ${formatBp(requestedBp)}`,
    `accepted ${acceptedBp === null ? 'unknown' : formatBp(acceptedBp)}`,
    `observed ${observedShare === null ? unobserved(status) : formatShare(observedShare)}`,
  ].join(', ');
}

const barCells = 16;

/** Only while it counts: a bake that is done has its mark on the ladder. */
function bakeOf({ phase, bake }: Status): readonly string[] {
  if (bake === null || (phase !== 'baking' && phase !== 'watching')) return [];
  const { validMs, minMs } = bake;
  const word = phase === 'baking' ? 'bake' : 'watch';
  return [`${bar(validMs, minMs, minMs, barCells)} ${word} ${formatElapsed(validMs)} of ${formatDuration(minMs)}`];
}

function verdictsOf({ findings }: Status): readonly string[] {
  return findings.map(({ criterion, verdict, sentence }) => `${criterion} ${verdict}: ${sentence}`);
}

function awaitedOf({ requests }: Status): readonly string[] {
  return requests.filter(({ state }) => state === 'open').map(({ gate, missing }) => `${gate} awaits ${missing}`);
}
