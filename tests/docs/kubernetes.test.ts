import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { renderProblems } from '../../spec/diagnostics.ts';
import { parseDirectory } from '../../spec/directory.ts';
import { parseSpec } from '../../spec/rollout.ts';
import { parseWorkerConfig } from '../../spec/worker-config.ts';
import { pageOf } from '../../testbed/pages.ts';
import { inProject } from '../../testbed/root.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const pageText = readFileSync(inProject('docs', 'kubernetes.md'), 'utf8');
const { files, commands } = pageOf('kubernetes.md');
const fileOf = (name: string) => files[name] ?? '';

test('the page has a file for all that is written by hand', () => {
  expect(Object.keys(files).toSorted()).toEqual(['directory.yaml', 'rollout.yaml', 'route.yaml', 'worker.yaml']);
});

test.each([
  ['worker.yaml', parseWorkerConfig],
  ['directory.yaml', parseDirectory],
  ['rollout.yaml', parseSpec],
] as const)('%s is valid, without a warning', (name, read) => {
  const result = read(fileOf(name), name);
  expect(renderProblems(result.ok ? result.warnings : result.problems)).toBe('');
});

test('what the rollout names is in the worker’s file, and its route in the cluster’s', () => {
  const [spec, worker] = [parseSpec(fileOf('rollout.yaml'), ''), parseWorkerConfig(fileOf('worker.yaml'), '')];
  if (!spec.ok || !worker.ok || spec.value.target.kind !== 'kubernetes') throw new Error('unreadable page');
  const { target, metrics } = spec.value;
  const { connections } = worker.value;
  expect(connections[target.connection]).toMatchObject({ kind: 'kubernetes', namespaces: [target.namespace] });
  expect(connections[metrics?.connection ?? '']).toMatchObject({ kind: 'prometheus' });
  const route = parse(fileOf('route.yaml')) as { metadata: object; spec: { rules: readonly object[] } };
  expect(route.metadata).toEqual({ name: 'web', namespace: target.namespace });
  expect(target.router).toMatchObject({ kind: 'gateway-api', httpRoute: 'web' });
  expect(route.spec.rules).toEqual([{ backendRefs: [{ name: target.service, port: 80 }] }]);
});

const folder = temporaryFolder('page');

interface Role {
  readonly kind: string;
  readonly rules?: readonly { readonly resourceNames?: readonly string[] }[];
}

/** What the commands of a block give to `kubectl`, which only notes it here. */
function given(block: string, cwd: string): string {
  const kubectl = join(folder, 'kubectl');
  const notes = join(folder, 'notes');
  writeFileSync(kubectl, `#!/bin/sh\necho --- >> '${notes}'\ncat >> '${notes}'\n`);
  chmodSync(kubectl, 0o755);
  writeFileSync(notes, '');
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
  execFileSync('bash', ['-euc', block], { cwd, env });
  return readFileSync(notes, 'utf8');
}

const namesIn = (text: string) =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Role | null)
    .flatMap((object) => object?.rules ?? [])
    .flatMap(({ resourceNames = [] }) => resourceNames);

describe('the names of a service', () => {
  const replacing = commands.find((block) => block.includes('sed ')) ?? '';

  test('stand everywhere once the page’s own commands have run', () => {
    const text = given(replacing, inProject());
    const names = namesIn(text).filter((name) => name !== 'my-config');
    expect([...new Set(names)].toSorted()).toEqual(['web', 'web-canary']);
    expect(text.replaceAll(/^ *#.*$/gm, '').match(/\bmy-[a-z-]+/g)).toEqual(['my-config']);
  });

  test('stand everywhere with the line that service.yaml says itself', () => {
    const line = /^#\s+(?<line>sed .*)$/m.exec(readFileSync(inProject('k8s', 'rbac', 'service.yaml'), 'utf8'));
    const text = given(`${line?.groups?.['line'] ?? ''} | kubectl apply -f -`, inProject('k8s', 'rbac'));
    expect(text.replaceAll(/^ *#.*$/gm, '').match(/\bmy-[a-z-]+/g)).toEqual(['my-config']);
  });

  test.each(['nginx', 'istio'])('are replaced as the page says for %s too', (router) => {
    const [, word = ''] = new RegExp(`\`(my-[a-z-]+)\` in \`route-${router}.yaml\``).exec(pageText) ?? [];
    const block = replacing.replaceAll('route-gateway-api', `route-${router}`).replaceAll('my-route', word);
    expect(
      given(block, inProject())
        .replaceAll(/^ *#.*$/gm, '')
        .match(/\bmy-[a-z-]+/g),
    ).toEqual(['my-config']);
  });
});
