import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { renderProblems } from '../../spec/diagnostics.ts';
import { parseWorkerConfig } from '../../spec/worker-config.ts';

const configWith = (...deploys: readonly string[]) => `apiVersion: sluice/v1
kind: Worker
directory: d.yaml
connections:
  edge:
    kind: caddy
    admin: http://127.0.0.1:2019
    public: http://127.0.0.1:8080
    persistence: resume
    routes:
${deploys
  .map(
    (deploy, at) => `      web${at}:
        slots: { a: 127.0.0.1:800${at}, b: 127.0.0.1:900${at} }
        deploy: { kind: docker, ${deploy} }
`,
  )
  .join('')}`;

const least =
  'engine: { socket: ./engine.sock }, containers: { a: web-a, b: web-b }, repositories: [registry.example/web]';

function deployOf(deploy: string): unknown {
  const result = parseWorkerConfig(configWith(deploy), 'worker.yaml');
  if (!result.ok) throw new Error(renderProblems(result.problems));
  const { edge } = result.value.connections;
  return edge?.kind === 'caddy' ? edge.routes['web0']?.deploy : undefined;
}

function complaintsAbout(...deploys: readonly string[]): string {
  const result = parseWorkerConfig(configWith(...deploys), 'worker.yaml');
  return result.ok ? '' : renderProblems(result.problems);
}

describe('a docker deploy door', () => {
  test('needs an engine, its two containers and the repositories that may run', () => {
    expect(deployOf(least)).toEqual({
      kind: 'docker',
      engine: { kind: 'socket', path: './engine.sock' },
      containers: { a: 'web-a', b: 'web-b' },
      repositories: ['registry.example/web'],
      environment: {},
      ready: null,
      registry: null,
    });
    for (const key of ['engine', 'containers', 'repositories']) {
      const without = least.replace(new RegExp(`${key}: (\\{.*?\\}|\\[.*?\\])(, )?`), '').replace(/, $/, '');
      expect(complaintsAbout(without)).toContain(`missing key "${key}"`);
    }
    expect(complaintsAbout(least.replace('registry.example/web', ''))).toContain('repositories');
  });

  test('may be behind client certificates', () => {
    const remote = least.replace('socket: ./engine.sock', 'host: 10.0.0.5, certificates: ./certificates');
    expect(deployOf(remote)).toMatchObject({
      engine: { kind: 'tls', host: '10.0.0.5', port: 2376, certificates: './certificates' },
    });
  });

  test('is never reached without them, and has no other address', () => {
    for (const engine of ['host: 10.0.0.5', 'url: http://10.0.0.5:2375', 'socket: a, host: b, certificates: c']) {
      expect(complaintsAbout(least.replace('socket: ./engine.sock', engine))).not.toBe('');
    }
  });

  test('names repositories, not images', () => {
    expect(complaintsAbout(least.replace('example/web', 'example/web:v1'))).toContain('without tag or digest');
    expect(complaintsAbout(least.replace('registry.example/web', '"*"'))).toContain('without tag or digest');
  });

  test('has two containers that no fence can make one', () => {
    for (const b of ['web-a', 'web-a.7']) {
      expect(complaintsAbout(least.replace('b: web-b', `b: ${b}`))).toContain('two containers with different names');
    }
    expect(complaintsAbout(least.replace('b: web-b', 'b: web-a.x'))).toBe('');
  });

  test('shares no container with another route of its engine', () => {
    const other = least.replace('web-b', 'web-c');
    expect(complaintsAbout(least, other)).toContain('route "web0" uses this container too');
    expect(complaintsAbout(least, other.replace('engine.sock', 'other.sock'))).toBe('');
  });

  test('fills in what it knows, and is no place for a secret', () => {
    expect(
      deployOf(`${least}, environment: { PORT: "{{port}}", TEXT: "{{slot}} {{label}} {{digest}}" }`),
    ).toMatchObject({
      environment: { PORT: '{{port}}', TEXT: '{{slot}} {{label}} {{digest}}' },
    });
    expect(complaintsAbout(`${least}, environment: { PORT: "{{prot}}" }`)).toContain('{{port}}, {{slot}}');
    const report = complaintsAbout(`${least}, environment: { DB_PASSWORD: geheim }`);
    expect(report).toContain('a credential stands in the file');
    expect(report).not.toContain('geheim');
  });

  test('of the example is right as it stands there', () => {
    const lines = readFileSync(new URL('../../examples/worker.yaml', import.meta.url), 'utf8').split('\n');
    const from = lines.findIndex((line) => line.trim() === '# deploy:');
    const to = lines.findIndex((line, at) => at > from && !line.startsWith('        #'));
    const block = lines.slice(from, to).map((line) => line.replace('# ', ''));
    const hook = lines.findIndex((line) => line.includes('deploy: { kind: hook'));
    const text = [...lines.slice(0, hook), ...block, ...lines.slice(to)].join('\n');
    const result = parseWorkerConfig(text, 'worker.yaml');
    expect(result.ok ? '' : renderProblems(result.problems)).toBe('');
    expect(result).toMatchObject({
      ok: true,
      value: { connections: { edge: { routes: { web: { deploy: { kind: 'docker' } } } } } },
    });
  });
});
