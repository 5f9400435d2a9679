import { describe, expect, it } from 'vitest';
import type { SmokeSuite } from '../../../../plan/plan.ts';
import type { Aim } from '../../../../providers/ports.ts';
import { createSmokeRunner } from '../../../../providers/smoke/runner.ts';
import { plainRelease } from '../../../../testbed/simulator/worlds/script.ts';
import { given, type Given, planOf, seconds } from './given.ts';

const rich = `
apiVersion: sluice/v1
kind: Rollout
metadata: { service: web, environment: production }
target: { kind: caddy, connection: edge, route: web, preview: { header: "x-sluice-preview: canary" } }
release: { image: registry.example/web }
smoke:
  suites:
    rich:
      baseUrl: { canary: preview, stable: direct, public: "http://127.0.0.1:8080" }
      forbidStatus: [5xx]
      requests:
        - { name: basket, post: "/api/basket?fast=1", json: { item: 7 }, expect: { status: 2xx, exists: [$.id, "$.items[0].name"] }, capture: { basket: $.id, first: "$.items[0].id" } }
        - name: order
          get: /api/basket/{{basket}}/order
          expect: { status: 404, json: { id: "{{basket}}", lines: [{ first: "{{first}}" }], deep: { n: 3 } }, headers: { x-order: "of {{basket}}" } }
        - { name: text, get: /robots.txt, expect: { contentType: text/plain } }
        - { name: other, put: /api, json: {}, expect: { status: 204 } }
        - { name: stranger, get: /api/tasks, cookies: none, expect: { status: 401 } }
        - { name: known, get: /api/tasks, headers: { authorization: "Bearer {{secret:TOKEN}}" }, expect: { status: 200, contains: tasks }, times: 3, every: 1s }
        - { name: book, post: /api/book, json: { on: "{{uniqueDate}}", by: "{{unique}}" }, expect: { json: { on: "{{uniqueDate}}", by: "{{unique}}" } }, capture: { code: $.code } }
        - { name: picture, post: /api/picture, multipart: { image: { file: a.jpg } }, sign: { secret: KEY, header: x-signature } }
        - { name: closed-door, ws: /ws, expect: { handshake: refused } }
        - { name: shown-out, ws: /ws, expect: { handshake: closed, closeCode: 4401 } }
        - { name: open-door, ws: "/ws?token={{secret:TOKEN}}", expect: { firstMessageWithin: 5s, json: { hello: true } } }
      cleanup: [{ name: unbook, delete: "/api/book/{{code}}", expect: { status: 204 } }]
`;

const direct: Aim = { baseUrl: 'http://127.0.0.1:8001', headers: {} };

function run({ http, sockets, clock }: Given, suite: SmokeSuite, aim = direct) {
  const secrets = { missing: async () => [], value: async () => 'x', redact: (text: string) => text };
  const files = { missing: async () => [], read: async () => Buffer.from('any') };
  const runner = createSmokeRunner({
    http,
    sockets,
    clock,
    secrets,
    files,
    random: () => 'r',
    allow: ['http://127.0.0.1:8001', 'https://shop.example'],
  });
  return runner.run(suite, aim);
}

describe('a release in a world', () => {
  it('answers what the suites of its plan expect, captures included', async () => {
    const world = given({}, {}, rich);
    const result = await run(world, planOf(rich).suites['rich'] as SmokeSuite);
    expect(result).toMatchObject({
      passed: true,
      requests: [200, 404, 200, 204, 401, 200, 200, 200, 400, 101, 101, 204].map((status) => ({ status })),
    });
  });

  it('answers with a status instead when that is written', async () => {
    const points = [{ when: { kind: 'at', ms: seconds(10) } as const, value: 503 }];
    const world = given({ releases: { stable: { ...plainRelease, smoke: { first: 'pass', points } } } });
    const suite = world.plan.suites['basic'] as SmokeSuite;
    expect((await run(world, suite)).passed).toBe(true);
    world.clock.pass(seconds(10));
    expect(await run(world, suite)).toMatchObject({ passed: false, sentence: 'health: status 503 is forbidden (5xx)' });
  });

  it('is reached at the public address that the spec gives, like by users', async () => {
    const world = given({}, {}, rich.replace('http://127.0.0.1:8080', 'https://shop.example/'));
    const { http } = world;
    const suite = world.plan.suites['rich'] as SmokeSuite;
    expect((await run(world, suite, { baseUrl: 'https://shop.example', headers: {} })).passed).toBe(true);
    const sent = await http.send({ method: 'GET', url: 'https://shop.example/robots.txt', timeoutMs: 1 });
    expect(sent.headers['content-type']).toBe('text/plain');
  });

  it('says how long its answers take; the network makes it so', async () => {
    const latencyMs = { first: 20, points: [{ when: { kind: 'at', ms: 1 } as const, value: 900 }] };
    const { world, clock } = given({ releases: { stable: { ...plainRelease, latencyMs } } });
    const ask = () =>
      world
        .host('http://127.0.0.1:8080')
        ?.answer(
          { method: 'GET', url: 'http://127.0.0.1:8080/', headers: { host: 'web.example' }, timeoutMs: 1 },
          clock.now(),
        ).tookMs;
    expect(ask()).toBe(20);
    clock.pass(1);
    expect(ask()).toBe(900);
  });
});
