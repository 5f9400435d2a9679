/** Lines of text for a given width: wrapping, labelled blocks, bars, and moments relative to now. */

import { formatElapsed } from '../../plan/units.ts';

/** Width of the column of labels on the left of a screen. */
const labelWidth = 10;

/** Words wrapped to `width`; words longer than a line are left whole. At least one line. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** A label and its lines: the label stands beside the first, the others are indented below it. */
export function block(label: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(labelWidth)}${line}`.trimEnd());
}

/** Space that `block` leaves for a line. */
export function blockWidth(width: number): number {
  return Math.max(30, roomBeside(width));
}

/** Columns of a line of a block that are on the terminal, however narrow. */
export function roomBeside(width: number): number {
  return width - labelWidth - 2;
}

/** `12m10s ago`; a moment in the future of a slow clock is `now`. */
export function ago(at: number, now: number): string {
  return now - at < 1_000 ? 'now' : `${formatElapsed(now - at)} ago`;
}

/** `in 3h52m`, or `now` when it is over. */
export function ahead(at: number, now: number): string {
  return at - now < 1_000 ? 'now' : `in ${formatElapsed(at - now)}`;
}

/** `done` and `total` as filled and empty cells, with a mark where `min` is. */
export function bar(value: number, min: number, max: number, cells: number): string {
  const cell = (of: number) => (max <= 0 ? cells : Math.min(cells, Math.floor((of / max) * cells)));
  const filled = cell(value);
  const mark = min < max ? cell(min) : -1;
  return Array.from({ length: cells }, (_, index) => (index < filled ? '█' : index === mark ? '│' : '░')).join('');
}
