/** Finding names that stand twice where each may stand once. */

import type { Cursor } from './cursor.ts';
import type { Finding } from './issues.ts';

/** One finding for every repetition. */
export function duplicates(names: readonly Cursor[], what: string): readonly Finding[] {
  const texts = names.map((name) => name.text());
  return names.flatMap((name, index) => {
    const text = texts[index];
    if (text === undefined || texts.indexOf(text) === index) return [];
    return [{ path: name.path, message: `${what} ${JSON.stringify(text.slice(0, 60))} stands here a second time` }];
  });
}
