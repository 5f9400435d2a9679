import { Ajv } from 'ajv';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { jsonSchemas } from '../../spec/json-schema.ts';

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

describe('the JSON Schemas', () => {
  test.each(Object.entries(jsonSchemas()))('in schema/%s are what `npm run schema` writes', (name, text) => {
    expect(read(`schema/${name}`)).toBe(text);
  });

  test.each([
    ['sluice', 'minimal.yaml'],
    ['sluice', 'shop.yaml'],
    ['sluice', 'smoke.yaml'],
    ['sluice', 'criteria.yaml'],
    ['worker', 'worker.yaml'],
    ['directory', 'directory.yaml'],
    ['world', 'world.yaml'],
  ])('%s accepts examples/%s and refuses it with an unknown key', (schema, example) => {
    const accepts = new Ajv({ strict: false, validateFormats: false }).compile(
      JSON.parse(read(`schema/${schema}.schema.json`)) as object,
    );
    const value = parse(read(`examples/${example}`)) as Record<string, unknown>;
    expect([accepts(value), accepts.errors]).toEqual([true, null]);
    expect(accepts({ ...value, more: 1 })).toBe(false);
  });

  test('have patterns that editors can compile', () => {
    const patterns = Object.values(jsonSchemas()).flatMap((text) =>
      [...text.matchAll(/"pattern": (".*")/g)].map((match) => match[1] ?? ''),
    );
    expect(patterns.length).toBeGreaterThan(20);
    for (const pattern of patterns) expect(() => new RegExp(JSON.parse(pattern) as string, 'u')).not.toThrow();
  });
});
