/** Rows of cells as aligned columns without borders, wide characters included. */

import Table from 'cli-table3';

const sides = ['top', 'bottom', 'left', 'right', 'mid'];
const joints = sides.flatMap((side) => [
  side,
  `${side}-mid`,
  `${side}-left`,
  `${side}-right`,
  `left-${side}`,
  `right-${side}`,
]);
const chars = { ...Object.fromEntries(joints.map((name) => [name, ''])), middle: '  ' };

/** One line per row; nothing at the end of a line. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const table = new Table({ chars, style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 } });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}
