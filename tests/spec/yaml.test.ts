import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { renderProblems } from '../../spec/diagnostics.ts';
import { nearest } from '../../spec/nearest.ts';
import { readDocument } from '../../spec/yaml.ts';

const schema = z.strictObject({ query: z.string(), more: z.json().optional() });

/** Places and messages of everything wrong with a text. */
function read(text: string) {
  const result = readDocument(text, 'x.yaml', schema);
  return result.ok
    ? 'fine'
    : result.problems.map(({ line, column, message }) => `${line}:${column} ${message}`).join('\n');
}

/** Where character `offset` of the text under `query` stands. */
function placeOf(text: string, offset: number): string {
  const result = readDocument(text, 'x.yaml', schema, () => [{ path: ['query'], at: offset, message: 'here' }]);
  const problem = result.ok ? result.warnings[0] : result.problems[0];
  return `${problem?.line}:${problem?.column}`;
}

describe('a YAML file', () => {
  test.each([
    ['', '1:1 the file is empty'],
    ['# nothing\n', '1:1 the file is empty'],
    ['query: [a', '1:10 YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ['query: a\nquery: b\n', '2:1 this key stands twice in the same mapping'],
    ['query:\n\tb: 1\n', '2:1 YAML: Tabs are not allowed as indentation'],
    ['query:\n  - a\n\t- b\n  - c\n', '3:1 YAML: Tabs are not allowed as indentation'],
    ['query: a\n---\nquery: b\n', '2:1 the file holds several documents, one is expected'],
    ['query: *b\n', '1:1 Unresolved alias (the anchor must be set before the alias): b'],
    ['? [a]\n: 3', '1:3 YAML: With stringKeys, all keys must be strings'],
    ['query: !!foo 3', '1:8 YAML: Unresolved tag: tag:yaml.org,2002:foo'],
    ['query: "a\\uD800"', '1:1 a text holds half a character (\\uD800 to \\uDFFF)'],
    ['"\\uD800": 1', '1:1 a text holds half a character (\\uD800 to \\uDFFF)'],
    ['just text', '1:1 "just text" is not a mapping'],
    ['query:', '1:7 "query" has no value'],
  ])('%j is refused at its place', (text, problems) => expect(read(text)).toBe(problems));

  test('of more than 1 MiB is refused unread', () => {
    expect(read(`query: ${'ñ'.repeat(530_000)}`)).toBe('1:1 the file is too large');
    expect(read(`query: ${'n'.repeat(530_000)}`)).toBe('fine');
  });

  test('with aliases that multiply out of hand is refused', () => {
    const bomb = ['a', 'b', 'c', 'd', 'e'].map((name, index, all) => {
      const inner = index === 0 ? 'x' : `*${all[index - 1] ?? ''}`;
      return `  ${name}: &${name} [${Array.from({ length: 9 }, () => inner).join(', ')}]`;
    });
    expect(read(`query: q\nmore:\n${bomb.join('\n')}\n`)).toBe(
      '1:1 Excessive alias count indicates a resource exhaustion attack',
    );
  });

  test('that is nested thousands of levels deep is refused', () => {
    expect(read(`query: ${'['.repeat(50_000)}`)).toBe('1:1 the file is nested too deeply');
    expect(read(`query: q\nmore: ${'- '.repeat(50_000)}`)).toBe('1:1 the file is nested too deeply');
  });

  test('with honest aliases is read', () => {
    expect(read('query: &q abc\nmore: { again: *q }\n')).toBe('fine');
  });

  test('shows one message per place, long lines cut around it, terminal codes taken out', () => {
    const text = `{ query: 5, more: "${'x'.repeat(300)}\u001b[31m", wrong: 1 }\n`;
    const result = readDocument(text, 'x.yaml', schema);
    expect(result.ok ? '' : renderProblems(result.problems)).toMatchInlineSnapshot(`
      "x.yaml:1:10: error: 5 is not a text (query)
          1 | { query: 5, more: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
            |          ^
              expected a text

      x.yaml:1:328: error: unknown key "wrong" (wrong)
          1 | …xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx [31m", wrong: 1 }
            |                                                                                                      ^
              expected one of query, more"
    `);
  });
});

describe('a place inside a text', () => {
  const value = 'sum by (x) (y)';
  const offset = value.indexOf('(y');
  test.each([
    ['plain', `query: ${value}`, '1:19'],
    ['single quoted', `query: '${value}'`, '1:20'],
    ['single quoted with a quote before', `query: 'a''b ${value}'`, '1:25', offset + 4],
    ['double quoted', `query: "${value}"`, '1:20'],
    ['double quoted with escapes before', String.raw`query: "\"\\ \x41 ${value}"`, '1:30', offset + 5],
    ['literal', `query: |\n  ${value}\n`, '2:14'],
    ['literal over lines', `query: |\n  a +\n    b +\n  ${value}\n`, '4:14', 'a +\n  b +\n'.length + offset],
    ['folded', `query: >-\n  sum by\n  (x)\n  (y)\n`, '4:3'],
    ['plain over lines', `query: sum by\n  (x)\n  (y)\n`, '3:3'],
    ['quoted over lines', `query: "sum by \\\n  (x)\n  (y)"\n`, '3:3'],
  ])('is found in a %s one', (_, text, place, at = offset) => expect(placeOf(text, at)).toBe(place));
});

describe('the nearest word', () => {
  const words = ['service', 'environment', 'title', 'links'];
  test.each([
    ['servise', 'service'],
    ['Service', 'service'],
    ['enviroment', 'environment'],
    ['link', 'links'],
    ['titel', 'title'],
    ['xyz', null],
    ['', null],
  ])('to %j', (word, expected) => expect(nearest(word, words)).toBe(expected));

  test('of none, or to a very long one, is none', () => {
    expect(nearest('a', [])).toBeNull();
    expect(nearest('service'.repeat(10_000), words)).toBeNull();
  });
});
