/** Finding names that stand twice where each may stand once. */

import type { Cursor } from './cursor.ts';
import type { Finding } from './issues.ts';

/** One finding for every repetition. */
export function duplicates(names: readonly Cursor[], what: string): readonly Finding[] {
  const seen = new Set<string>();
  return names.flatMap((name) => {
    const text = name.text();
    if (text === undefined) return [];
    if (!seen.has(text)) {
      seen.add(text);
      return [];
    }
    return [{ path: name.path, message: `${what} ${JSON.stringify(text.slice(0, 60))} stands here a second time` }];
  });
}
