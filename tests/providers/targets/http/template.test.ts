import { expect, test } from 'vitest';
import fc from 'fast-check';
import { fillHeader, fillJson, fillText, fillUrl } from '../../../../providers/targets/http/template.ts';

const values = (label: string | number) =>
  new Map<string, string | number>([
    ['release.label', label],
    ['route', 'web'],
  ]);
const hostile = [
  '../../admin',
  '..',
  '.',
  'a/b?x=1#y',
  '%2e%2e',
  '"},"admin":true,{"',
  'a\r\nx-admin: 1',
  '{{route}}',
  '€',
  '',
];

test('whatever stands in a value, an address keeps its host, its path and its query', () => {
  const template = 'http://api.example/pools/web/{{release.label}}/weights?of={{release.label}}';
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...hostile)), (label) => {
      let filled: string;
      try {
        filled = fillUrl(template, values(label));
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid' });
        return;
      }
      const url = new URL(filled);
      expect(url.origin).toBe('http://api.example');
      expect(url.pathname.split('/').length).toBe(5);
      expect(decodeURIComponent(url.pathname.split('/')[3] ?? '')).toBe(label);
      expect([...url.searchParams]).toEqual([['of', label]]);
      expect(url.hash).toBe('');
    }),
  );
});

test.each(['..', '.', ''])('an address refuses the value %j, which would name another place', (label) => {
  expect(() => fillUrl('http://api.example/pools/{{release.label}}', values(label))).toThrow(/\{\{/);
});

test('whatever stands in a value, JSON keeps its form', () => {
  const template = { weights: [{ of: '{{release.label}}', note: 'for {{release.label}}', '{{release.label}}': 1 }] };
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constantFrom(...hostile)), (label) => {
      fc.pre(label !== 'of' && label !== 'note');
      const sent = JSON.parse(JSON.stringify(fillJson(template, values(label)))) as unknown;
      expect(sent).toEqual({ weights: [{ of: label, note: `for ${label}`, [label]: 1 }] });
    }),
  );
});

test('a lone name keeps its type, and a value is not filled in again', () => {
  expect(fillJson({ a: '{{release.label}}', b: '{{release.label}}%' }, values(2.5))).toEqual({ a: 2.5, b: '2.5%' });
  expect(fillJson('{{release.label}}', values('{{route}}'))).toBe('{{route}}');
});

test('a header takes no line break, a text nothing that could mean something', () => {
  expect(fillHeader('for {{release.label}}', values('"v2" <a>'))).toBe('for "v2" <a>');
  expect(() => fillHeader('for {{release.label}}', values('a\r\nx-admin: 1'))).toThrow(/no header can carry/);
  expect(fillText('set weight {{release.label}} 5', values('pool/v2@sha256:ab'))).toBe(
    'set weight pool/v2@sha256:ab 5',
  );
  expect(() => fillText('set weight {{release.label}} 5', values('v2 100; shutdown'))).toThrow(/send JSON/);
});

test('a name that is not known is refused, and two keys that become one', () => {
  expect(() => fillUrl('http://api.example/{{nothing}}', values('v2'))).toThrow(/\{\{nothing\}\} is not known/);
  expect(() => fillJson({ v2: 1, '{{release.label}}': 2 }, values('v2'))).toThrow(/two keys/);
});
