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
`;

const direct: Aim = { baseUrl: 'http://127.0.0.1:8001', headers: {} };

function run({ http, clock }: Given, suite: SmokeSuite, aim = direct) {
  const secrets = { missing: async () => [], value: async () => 'x', redact: (text: string) => text };
  const runner = createSmokeRunner({ http, clock, secrets, allow: ['http://127.0.0.1:8001', 'https://shop.example'] });
  return runner.run(suite, aim);
}

describe('a release in a world', () => {
  it('answers what the suites of its plan expect, captures included', async () => {
    const world = given({}, {}, rich);
    const result = await run(world, planOf(rich).suites['rich'] as SmokeSuite);
    expect(result).toMatchObject({
      passed: true,
      requests: [{ status: 200 }, { status: 404 }, { status: 200 }, { status: 204 }],
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
