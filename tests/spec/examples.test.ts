import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderProblems } from '../../spec/diagnostics.ts';
import { parseDirectory } from '../../spec/directory.ts';
import { parseSpec } from '../../spec/rollout.ts';
import { parseWorkerConfig } from '../../spec/worker-config.ts';
import { parseWorld } from '../../spec/world.ts';

const folder = new URL('../../examples/', import.meta.url);
const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));

/** The reader for a file of its kind. */
function readerOf(text: string) {
  const kind = /^kind: (\w+)/m.exec(text)?.[1];
  if (kind === 'Worker') return parseWorkerConfig;
  if (kind === 'World') return parseWorld;
  return kind === 'Directory' ? parseDirectory : parseSpec;
}

test('there are files of every kind to copy', () => {
  expect(names).toEqual(
    expect.arrayContaining(['minimal.yaml', 'shop.yaml', 'worker.yaml', 'directory.yaml', 'world.yaml']),
  );
});

test.each(names)('examples/%s has no problem and no warning', (name) => {
  const text = readFileSync(new URL(name, folder), 'utf8');
  const result = readerOf(text)(text, name);
  expect(renderProblems(result.ok ? result.warnings : result.problems)).toBe('');
});

test('the connection that is commented out in worker.yaml is one that http.yaml can use', () => {
  const text = readFileSync(new URL('worker.yaml', folder), 'utf8');
  const [before = '', after = ''] = text.split('  # rollout-api:\n');
  const lines = after.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('  # '));
  const connection = lines.slice(0, end).map((line) => line.replace('  # ', '  '));
  const whole = [`${before}  rollout-api:`, ...connection, ...lines.slice(end)].join('\n');
  const worker = parseWorkerConfig(whole, 'worker.yaml');
  expect(renderProblems(worker.ok ? worker.warnings : worker.problems)).toBe('');
  const found = worker.ok ? worker.value.connections['rollout-api'] : undefined;
  const spec = parseSpec(readFileSync(new URL('http.yaml', folder), 'utf8'), 'http.yaml');
  if (!spec.ok || found?.kind !== 'http' || spec.value.target.kind !== 'http') throw new Error('unreadable examples');
  expect(Object.keys(found.routes)).toContain(spec.value.target.route);
  expect(spec.value.target.preview).toEqual(found.preview === null ? null : { header: found.preview });
  expect(spec.value.steps.every(({ weight }) => weight % found.granularityBp === 0)).toBe(true);
});

test('the roles and connections that the specs name are in the operator’s files beside them', () => {
  const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');
  const [spec, worker, directory] = [
    parseSpec(read('shop.yaml'), 'shop.yaml'),
    parseWorkerConfig(read('worker.yaml'), 'worker.yaml'),
    parseDirectory(read('directory.yaml'), 'directory.yaml'),
  ];
  if (!spec.ok || !worker.ok || !directory.ok || spec.value.target.kind !== 'caddy')
    throw new Error('unreadable examples');
  const { connections } = worker.value;
  const edge = connections[spec.value.target.connection];
  expect(edge?.kind === 'caddy' && Object.keys(edge.routes)).toContain(spec.value.target.route);
  expect(Object.keys(connections)).toContain(spec.value.metrics?.connection);
  const held = new Set(Object.values(directory.value.people).flatMap((person) => person.roles));
  expect([...held]).toEqual(expect.arrayContaining([...spec.value.people.roles]));
});
