import { parser } from '@prometheus-io/lezer-promql';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { queryPieces, renderQuery } from '../../plan/promql.ts';

const values = (label: string) => ({ trackLabel: 'release', release: { label, digest: `sha256:${'a'.repeat(64)}` } });

/** Names of the nodes of a parsed query, in order: its shape without its values. */
function shapeOf(query: string): string[] {
  const names: string[] = [];
  parser.parse(query).iterate({ enter: (node) => void names.push(node.type.isError ? 'ERROR' : node.name) });
  return names;
}

describe('PromQL templates', () => {
  test('fill in the matcher, the release and the window', () => {
    const template = 'sum(rate(up{app="web",{{track}},v={{ release }}}[{{window}}]))';
    expect(renderQuery(template, { ...values('v2'), windowMs: 90_000 })).toBe(
      'sum(rate(up{app="web",release="v2",v="v2"}[1m30s]))',
    );
    expect(renderQuery('rate(up[{{window}}])', values('v2'))).toBe('rate(up[1m])');
  });

  test('inside a string the release is content, and a literal part of a regular expression', () => {
    expect(renderQuery('up{pod="web-{{release}}"}', values('v"2'))).toBe(String.raw`up{pod="web-v\"2"}`);
    expect(renderQuery('up{pod=~"web-{{release}}-.*"}', values('v2.1'))).toBe(String.raw`up{pod=~"web-v2\\.1-.*"}`);
    expect(renderQuery("up{pod='{{release}}'}", values("it's"))).toBe(String.raw`up{pod='it\'s'}`);
    expect(renderQuery('up{pod=~`{{release}}`}', values('v2`.1'))).toBe('up{pod=~`v2\\.1`}');
  });

  test('a quote in a comment opens no string, and a hash in a string opens no comment', () => {
    expect(renderQuery(`# it's fine\nup{{{track}}}`, values('v2'))).toBe(`# it's fine\nup{release="v2"}`);
    expect(renderQuery('up{a="#",{{track}}}', values('v2'))).toBe('up{a="#",release="v2"}');
    expect(renderQuery(String.raw`up{a="\"",{{track}}}`, values('v2'))).toBe(String.raw`up{a="\"",release="v2"}`);
  });

  test('unknown names stay as they are and are reported as slots', () => {
    expect(renderQuery('up{{{trck}}}', values('v2'))).toBe('up{{{trck}}}');
    expect(queryPieces('up{{{trck}}}', values('v2')).map((piece) => piece.slot)).toContain('trck');
  });

  test('a label name outside the classic alphabet is quoted', () => {
    expect(renderQuery('up{{{track}}}', { ...values('v2'), trackLabel: 'app.release' })).toBe('up{"app.release"="v2"}');
  });

  test.each([
    'sum(rate(up{app="web",{{track}}}[1m]))',
    'up{v={{release}}}',
    'up{v="a{{release}}b"}',
    "up{v=~'a{{release}}b'}",
    'up{v=~`a{{release}}b`}',
  ])('no label, however hostile, changes the shape of %s', (template) => {
    const shape = shapeOf(renderQuery(template, values('v2')));
    expect(shape).not.toContain('ERROR');
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('"', "'", '`', '\\', '{', '}', ',', '#', '\n', 'a', '$') }),
    );
    fc.assert(
      fc.property(hostile, (label) => {
        expect(shapeOf(renderQuery(template, values(label)))).toEqual(shape);
      }),
    );
  });

  test('the pieces cover the template without gaps', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{{track}}', '"', '`', '\\', '#', '\n', '{', 'x') }),
        (template) => {
          const pieces = queryPieces(template, values('v2'));
          const ends = [...pieces.slice(1).map((piece) => piece.from), template.length];
          const sources = pieces.map((piece, index) => template.slice(piece.from, ends[index]));
          expect(sources.join('')).toBe(template);
          for (const [index, piece] of pieces.entries())
            if (piece.slot === null) expect(piece.text).toBe(sources[index]);
        },
      ),
    );
  });
});
