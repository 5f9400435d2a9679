/** A picture cut to the terminal it is shown on: what stands at the top stays, because pictures begin with what matters. */

import cliTruncate from 'cli-truncate';

/** Size of a terminal in columns and rows. */
export interface Room {
  readonly width: number;
  readonly height: number;
}

/** One terminal row for each line, and one row left for the cursor; what is hidden at the bottom is counted. */
export function fitted(picture: string, { width, height }: Room): string {
  const lines = picture.split('\n');
  const rows = Math.max(2, height - 1);
  const shown = lines.length <= rows ? lines : [...lines.slice(0, rows - 1), hidden(lines.length - rows + 1)];
  return shown.map((line) => cliTruncate(line, Math.max(1, width))).join('\n');
}

function hidden(count: number): string {
  return `… ${String(count)} more lines: a taller window shows them`;
}
