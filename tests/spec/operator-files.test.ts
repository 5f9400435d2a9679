import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { renderProblems } from '../../spec/diagnostics.ts';
import { parseDirectory } from '../../spec/directory.ts';
import { parseWorkerConfig } from '../../spec/worker-config.ts';

const example = (name: string) => readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8');

/** Everything that is wrong with a worker configuration, as a person sees it. */
function complaintsAbout(text: string): string {
  const result = parseWorkerConfig(text, 'worker.yaml');
  return result.ok ? '' : renderProblems(result.problems);
}

describe('the worker configuration', () => {
  test('of the examples is read into plain values with defaults filled in', () => {
    const result = parseWorkerConfig(example('worker.yaml'), 'worker.yaml');
    expect(result).toMatchObject({
      ok: true,
      warnings: [],
      value: {
        taskQueue: 'sluice',
        heartbeatMs: 5_000,
        secrets: { from: 'env', prefix: 'SLUICE_SECRET_' },
        connections: {
          'prometheus-prod': { kind: 'prometheus', url: 'http://127.0.0.1:9090', auth: null, headers: {} },
          edge: {
            kind: 'caddy',
            persistence: { kind: 'resume' },
            routes: {
              web: { server: null, match: { host: null, path: '/*' }, longLived: false, deploy: { auth: null } },
            },
          },
        },
        notify: [],
      },
    });
  });

  test('needs no more than a directory and its connections', () => {
    const text = 'apiVersion: sluice/v1\nkind: Worker\ndirectory: d.yaml\nconnections: {}\n';
    expect(parseWorkerConfig(text, 'w.yaml')).toMatchObject({
      ok: true,
      value: {
        taskQueue: 'sluice',
        temporal: null,
        listen: '127.0.0.1:9464',
        logs: { level: 'info' },
        smoke: { allow: [] },
      },
    });
  });

  test('is read with both kinds of credentials, by name only', () => {
    const text = `apiVersion: sluice/v1
kind: Worker
directory: d.yaml
connections:
  a: { kind: prometheus, url: "http://a.example", auth: { bearer: { env: TOKEN } } }
  b: { kind: prometheus, url: "http://b.example", auth: { basic: { user: u, password: { env: PASS } } } }
`;
    const result = parseWorkerConfig(text, 'w.yaml');
    expect(result.ok && result.value.connections).toMatchObject({
      a: { auth: { kind: 'bearer', token: { env: 'TOKEN' } } },
      b: { auth: { kind: 'basic', user: 'u', password: { env: 'PASS' } } },
    });
  });

  test('with many mistakes gets one report with all of them and no secret in it', () => {
    const report = complaintsAbout(`apiVersion: sluice/v2
kind: Worker
taskqueue: sluice
temporal: { address: 127.0.0.1, namespace: 5 }
heartbeat: 5 parsecs
secrets: { from: evn }
connections:
  a: { kind: promtheus, url: "http://ana:geheim@127.0.0.1:9090" }
  b: { kind: prometheus, url: "http://127.0.0.1", auth: { bearer: geheim, basic: {} } }
  c: { kind: prometheus, url: "http://127.0.0.1", headers: { Authorization: Bearer geheim } }
  edge:
    kind: caddy
    admin: http://127.0.0.1:2019/x
    public:
    persistence: { hok: "x" }
    routes:
      Web:
        slots: { a: 127.0.0.1:8001, b: 127.0.0.1:8001 }
        deploy: { kind: hook, url: "http://127.0.0.1:9000" }
notify: [{ name: ops }]
`);
    expect(report).not.toContain('geheim');
    expect(report).toMatchSnapshot();
  });

  test('calls the slots of a route a and b, and nothing else', () => {
    const report = complaintsAbout(`apiVersion: sluice/v1
kind: Worker
directory: d.yaml
connections:
  edge:
    kind: caddy
    admin: http://127.0.0.1:2019
    public: http://127.0.0.1:8080
    persistence: resume
    routes:
      web: { slots: { blue: 127.0.0.1:1, green: 127.0.0.1:2 }, deploy: { kind: hook, url: "http://127.0.0.1:9000" } }
`);
    expect(report).toMatchInlineSnapshot(`
      "worker.yaml:11:21: error: missing key "a" (connections.edge.routes.web.slots)
         11 |       web: { slots: { blue: 127.0.0.1:1, green: 127.0.0.1:2 }, deploy: { kind: hook, url: "http://127.0.0.1:90…
            |                     ^
              expected a host and port such as 127.0.0.1:9464

      worker.yaml:11:21: error: missing key "b" (connections.edge.routes.web.slots)
         11 |       web: { slots: { blue: 127.0.0.1:1, green: 127.0.0.1:2 }, deploy: { kind: hook, url: "http://127.0.0.1:90…
            |                     ^
              expected a host and port such as 127.0.0.1:9464

      worker.yaml:11:23: error: unknown key "blue" (connections.edge.routes.web.slots.blue)
         11 |       web: { slots: { blue: 127.0.0.1:1, green: 127.0.0.1:2 }, deploy: { kind: hook, url: "http://127.0.0.1:90…
            |                       ^
              expected one of a, b

      worker.yaml:11:42: error: unknown key "green" (connections.edge.routes.web.slots.green)
         11 |       web: { slots: { blue: 127.0.0.1:1, green: 127.0.0.1:2 }, deploy: { kind: hook, url: "http://127.0.0.1:90…
            |                                          ^
              expected one of a, b"
    `);
  });
});

describe('an archive', () => {
  const config = (archive: string) => `apiVersion: sluice/v1
kind: Worker
directory: d.yaml
connections: {}
archive: ${archive}
`;

  test.each([
    ['{ kind: folder, path: ./records }', { kind: 'folder', path: './records' }],
    [
      '{ kind: s3, endpoint: "https://s3.example/", bucket: ops, region: eu-central-1, credentials: { accessKeyId: { env: ID }, secretAccessKey: { env: KEY } } }',
      {
        ...{
          kind: 's3',
          endpoint: 'https://s3.example',
          bucket: 'ops',
          prefix: '',
          region: 'eu-central-1',
          pathStyle: false,
        },
        credentials: { accessKeyId: { env: 'ID' }, secretAccessKey: { env: 'KEY' }, sessionToken: null },
      },
    ],
    [
      '{ kind: webhook, url: "https://keep.example/x" }',
      { kind: 'webhook', url: 'https://keep.example/x', auth: null },
    ],
    ['null', null],
  ])('%s is one', (written, read) => {
    const result = parseWorkerConfig(config(written), 'worker.yaml');
    expect(result.ok && result.value.archive).toEqual(read);
  });

  test('gets all its mistakes told', () => {
    const s3 = 'kind: s3, bucket: Ops, prefix: /a/, region: "", endpoint: "http://127.0.0.1:9000"';
    const report = complaintsAbout(config(`{ ${s3}, credentials: { secretAccessKey: geheim } }`));
    expect(report).not.toContain('geheim');
    expect(report).toMatchInlineSnapshot(`
      "worker.yaml:5:30: error: "Ops" is not the name of a bucket (archive.bucket)
          5 | archive: { kind: s3, bucket: Ops, prefix: /a/, region: "", endpoint: "http://127.0.0.1:9000", credentials: { s…
            |                              ^
              expected the name of a bucket of 3 to 63 lower-case letters, digits, "." or "-"

      worker.yaml:5:43: error: "/a/" is not the beginning of keys (archive.prefix)
          5 | archive: { kind: s3, bucket: Ops, prefix: /a/, region: "", endpoint: "http://127.0.0.1:9000", credentials: { s…
            |                                           ^
              expected the beginning of keys such as sluice or ops/rollouts, without a slash at either end

      worker.yaml:5:56: error: "" is not a region (archive.region)
          5 | archive: { kind: s3, bucket: Ops, prefix: /a/, region: "", endpoint: "http://127.0.0.1:9000", credentials: { s…
            |                                                        ^
              expected a region such as eu-central-1

      worker.yaml:5:70: error: the bucket cannot stand in front of an IP address (archive.endpoint)
          5 | …d: s3, bucket: Ops, prefix: /a/, region: "", endpoint: "http://127.0.0.1:9000", credentials: { secretAccessKey…
            |                                                         ^
              expected pathStyle: true beside it, or a host name

      worker.yaml:5:108: error: missing key "accessKeyId" (archive.credentials)
          5 | …t: Ops, prefix: /a/, region: "", endpoint: "http://127.0.0.1:9000", credentials: { secretAccessKey: ****** } }
            |                                                                                   ^
              expected a place where the secret is found such as { env: PROM_TOKEN }

      worker.yaml:5:127: error: this value is not a place where the secret is found (archive.credentials.secretAccessKey)
          5 | …t: Ops, prefix: /a/, region: "", endpoint: "http://127.0.0.1:9000", credentials: { secretAccessKey: ****** } }
            |                                                                                                      ^
              expected a place where the secret is found such as { env: PROM_TOKEN }"
    `);
    expect(complaintsAbout(config('{ kind: tape }'))).toMatchInlineSnapshot(`
      "worker.yaml:5:18: error: unknown kind "tape" (archive.kind)
          5 | archive: { kind: tape }
            |                  ^
              expected one of folder, s3, webhook"
    `);
  });

  test('at an IP address needs its bucket in the path', () => {
    const of = (more: string) =>
      config(
        `{ kind: s3, endpoint: "http://127.0.0.1:9000", bucket: ops, region: r, ${more}credentials: { accessKeyId: { env: A }, secretAccessKey: { env: B } } }`,
      );
    expect(complaintsAbout(of(''))).toContain('the bucket cannot stand in front of an IP address');
    expect(parseWorkerConfig(of('pathStyle: true, '), 'worker.yaml')).toMatchObject({ ok: true });
  });
});

describe('the directory', () => {
  test('of the examples is read', () => {
    expect(parseDirectory(example('directory.yaml'), 'directory.yaml')).toMatchObject({
      ok: true,
      value: { identity: 'trust', people: { ana: { name: 'Ana', roles: ['sre'] }, ben: { contacts: {} } } },
    });
  });

  test('says which role or person is written wrongly', () => {
    const text = `apiVersion: sluice/v1
kind: Directory
identity: trust
people:
  ana: { roles: [SRE, qa] }
  "ben / qa": { roles: [] }
  carla: { role: sre }
`;
    const result = parseDirectory(text, 'directory.yaml');
    expect(
      result.ok
        ? []
        : result.problems.map(({ line, column, path, message, hint }) => ({ line, column, path, message, hint })),
    ).toEqual([
      { line: 5, column: 18, path: 'people.ana.roles[0]', message: '"SRE" is not a name' },
      { line: 6, column: 3, path: 'people["ben / qa"]', message: '"ben / qa" is not a person' },
      { line: 7, column: 12, path: 'people.carla.role', message: 'unknown key "role"', hint: 'did you mean "roles"?' },
    ]);
  });
});
