/** How deep a YAML text nests, told from its tokens: deep recursion in a parser can end the whole process. */

import { Lexer } from 'yaml';

/** Far beyond any honest file, far below what the parser's recursion survives. */
const deepest = { flow: 64, indicators: 32, indent: 200 } as const;

const scalarFollows = '\u001f';

/** Whether brackets, indicators on one line, or indentation nest further than any file needs. */
export function isTooDeep(text: string): boolean {
  let [flow, indicators, afterBreak, afterScalarMark] = [0, 0, true, false];
  for (const token of new Lexer().lex(text)) {
    if (afterScalarMark) {
      afterScalarMark = false;
      continue;
    }
    if (afterBreak && token.startsWith(' ') && token.length > deepest.indent) return true;
    if (token === '[' || token === '{') flow += 1;
    else if (token === ']' || token === '}') flow = Math.max(0, flow - 1);
    else if (flow === 0 && (token === '-' || token === '?')) indicators += 1;
    else if (token === scalarFollows) afterScalarMark = true;
    afterBreak = token === '\n' || token === '\r\n';
    if (afterBreak) indicators = 0;
    if (flow > deepest.flow || indicators > deepest.indicators) return true;
  }
  return false;
}
