/** Colours as functions, so that a picture is the same text with or without them. */

import * as colors from 'yoctocolors';

export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

const plain = (text: string) => text;

/** No colours: for pipes, files and tests. */
export const unpainted: Paint = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain, cyan: plain };

export function painter(color: boolean): Paint {
  return color ? colors : unpainted;
}
