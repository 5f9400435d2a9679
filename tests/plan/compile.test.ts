import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../plan/compile.ts';
import { planDigest } from '../../plan/digest.ts';
import type { Plan, SmokeSuite } from '../../plan/plan.ts';
import type { TargetCapabilities } from '../../plan/target.ts';
import { formatBp } from '../../plan/units.ts';
import { parseSpec, type Spec } from '../../spec/rollout.ts';

const release = { digest: `sha256:${'ab'.repeat(32)}`, label: 'v7.3.1', image: 'registry.example/web' };
const capabilities: TargetCapabilities = {
  granularityBp: 1,
  fenced: true,
  preview: true,
  affinity: false,
  scales: false,
  instantRevert: true,
};

function specOf(text: string): Spec {
  const result = parseSpec(text, 'spec.yaml');
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

const example = (name: string) => readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8');
const minimal = specOf(example('minimal.yaml'));
const shop = specOf(example('shop.yaml'));

function planOf(spec: Spec): Plan {
  const result = compile(spec, release, capabilities);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.plan;
}

/** `path: message` of everything in the way. */
function inTheWay(spec: Spec, given = release, can = capabilities): readonly string[] {
  const result = compile(spec, given, can);
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('a plan', () => {
  test('of a small spec has every default in it', () => {
    expect(planOf(minimal)).toMatchSnapshot();
  });

  test('asks each gate where its steps are, in the order of the rollout', () => {
    const gates = planOf(shop).gates.map(({ id, point, onExpiry, remindAt }) => ({ id, point, onExpiry, remindAt }));
    expect(gates).toEqual([
      { id: 'go', point: { kind: 'start' }, onExpiry: 'abort', remindAt: [0.5] },
      { id: 'wide@25%', point: { kind: 'step', index: 2 }, onExpiry: 'rollback', remindAt: [0.5, 0.9] },
      { id: 'wide@100%', point: { kind: 'step', index: 3 }, onExpiry: 'rollback', remindAt: [0.5, 0.9] },
      { id: 'final', point: { kind: 'promote' }, onExpiry: 'rollback', remindAt: [0.5, 0.9] },
    ]);
  });

  test('reminds at every share once, in the order of time', () => {
    const escalate = [90, 50, 90].map((percent) => `{ at: ${percent}%, remind: missing }`).join(', ');
    const gate = `{ id: go, at: start, require: [{ allOf: [sre] }], escalate: [${escalate}] }`;
    const text = `${example('minimal.yaml')}people: { roles: [sre] }\napprovals: { gates: [${gate}] }\n`;
    expect(planOf(specOf(text)).gates[0]?.remindAt).toEqual([0.5, 0.9]);
  });

  test('asks a gate without steps before every step, and one with steps before those', () => {
    const gates = `approvals: { gates: [
      { id: all, at: before-step, require: [{ allOf: [sre] }] },
      { id: some, at: before-step, steps: [25%, 1%], require: [{ atLeast: 2, of: sre }] } ] }\npeople: { roles: [sre] }\n`;
    expect(planOf(specOf(example('minimal.yaml') + gates)).gates.map((gate) => gate.id)).toEqual([
      'all@1%',
      'some@1%',
      'all@5%',
      'all@25%',
      'some@25%',
      'all@100%',
    ]);
  });

  test('gives a bake without a maximum twice its time, and at least a minute more', () => {
    const steps = 'steps: [{ weight: 1%, bake: 30m }, { weight: 5%, bake: 2s }, { weight: 100%, bake: 1m..90m }]\n';
    const bakes = planOf(specOf(example('minimal.yaml') + steps)).steps.map((step) => [step.bakeMinMs, step.bakeMaxMs]);
    expect(bakes).toEqual([
      [1_800_000, 3_600_000],
      [2_000, 62_000],
      [60_000, 5_400_000],
    ]);
  });

  test('has smoke requests ready to be sent', () => {
    expect(planOf(shop).suites['basic']).toMatchObject({
      publicUrl: 'http://127.0.0.1:8080',
      forbidStatus: ['5xx'],
      requests: [
        { method: 'GET', path: '/healthz', body: null, expect: { status: '2xx', json: { ok: true }, withinMs: 2_000 } },
        { method: 'POST', body: { kind: 'json', value: { item: 7, count: 1 } }, capture: { basket: '$.id' } },
        { method: 'POST', headers: { authorization: 'Bearer {{secret:SHOP_TOKEN}}' }, body: null, timeoutMs: 10_000 },
      ],
    });
  });

  test('has smoke with everything that was asked for', () => {
    const { requests, cleanup } = planOf(specOf(example('smoke.yaml'))).suites['full'] as SmokeSuite;
    const named = Object.fromEntries([...requests, ...(cleanup ?? [])].map((request) => [request.name, request]));
    expect(named).toMatchObject({
      ready: { expect: { status: '200', contains: 'healthy' }, repeat: { times: 3, everyMs: 10_000 } },
      stranger: { cookies: 'none', expect: { status: '401' } },
      photo: {
        body: {
          kind: 'multipart',
          parts: [
            { kind: 'file', name: 'image', file: 'test/fixture.jpg', contentType: 'image/jpeg' },
            { kind: 'field', name: 'title', value: 'smoke {{unique}}' },
          ],
        },
      },
      webhook: {
        signature: {
          secret: 'WHATSAPP_APP_SECRET',
          header: 'x-hub-signature-256',
          hash: 'sha256',
          encoding: 'hex',
          over: '{{body}}',
          format: 'sha256={{signature}}',
        },
      },
      'live-stranger': { method: 'GET', path: '/ws', socket: { handshake: 'refused' }, expect: { status: '403' } },
      live: { socket: { handshake: 'accepted', firstMessageMs: 5_000 }, expect: { status: '101' } },
      cancel: { method: 'DELETE', path: '/api/reservations/{{code}}' },
    });
  });

  test('says nothing of smoke that was not asked for, so that older plans keep their digests', () => {
    const suite = planOf(shop).suites['basic'] as SmokeSuite;
    expect(Object.keys(suite)).toEqual(['publicUrl', 'forbidStatus', 'requests']);
    const keys = ['name', 'method', 'path', 'headers', 'body', 'expect', 'capture', 'timeoutMs'];
    expect(suite.requests.map((request) => Object.keys(request))).toEqual([keys, keys, keys]);
    expect(Object.keys(suite.requests[0]?.expect ?? {})).toHaveLength(6);
  });

  test('is plain JSON: nothing changes on the way through it, and the digest neither', () => {
    const plan = planOf(shop);
    const again = JSON.parse(JSON.stringify(plan)) as Plan;
    expect(again).toStrictEqual(plan);
    expect(planDigest(again)).toBe(planDigest(plan));
    expect(planDigest(planOf(specOf(example('shop.yaml'))))).toBe(planDigest(plan));
  });

  test('has another digest when anything in it differs', () => {
    const digests = [
      planOf(shop),
      planOf({ ...shop, watch: { ...shop.watch, for: 1 } }),
      planOf({ ...shop, people: { roles: [...shop.people.roles, 'more'] } }),
    ].map(planDigest);
    expect(new Set(digests).size).toBe(3);
  });

  test('rises at every step and ends at 100 %, whatever ladder was written', () => {
    const ladder = fc.uniqueArray(fc.integer({ min: 1, max: 9_999 }), { maxLength: 8 });
    fc.assert(
      fc.property(ladder, (weights) => {
        const written = [...weights.toSorted((a, b) => a - b), 10_000].map((bp) => `{ weight: ${formatBp(bp)} }`);
        const { steps } = planOf(specOf(`${example('minimal.yaml')}steps: [${written.join(', ')}]\n`));
        expect(steps.every((step, index) => step.weightBp > (steps[index - 1]?.weightBp ?? 0))).toBe(true);
        expect(steps.at(-1)?.weightBp).toBe(10_000);
      }),
      { numRuns: 25 },
    );
  });
});

describe('no plan is made', () => {
  test.each([
    ['without a digest', { digest: '' }, ': the release has no digest'],
    ['with a tag for a digest', { digest: 'latest' }, ': the digest is malformed'],
    ['with a short digest', { digest: 'sha256:abc' }, ': the digest is malformed'],
    ['with an upper-case digest', { digest: `sha256:${'AB'.repeat(32)}` }, ': the digest is malformed'],
    ['with an empty label', { label: '' }, ': the label is not usable'],
    ['with a label that breaks queries', { label: 'v1"} or {a="' }, ': the label is not usable'],
    ['with a label of two lines', { label: 'v1\nv2' }, ': the label is not usable'],
    ['with a label of 64 characters', { label: 'v'.repeat(64) }, ': the label is not usable'],
    ['for another image', { image: 'registry.example/shop' }, ': the image "registry.example/shop" is not the spec’s'],
  ])('%s', (_, change, problem) => {
    expect(inTheWay(minimal, { ...release, ...change })).toEqual([problem]);
  });

  test('for weights that the target cannot express, all told at once with a bad release', () => {
    expect(inTheWay(minimal, { ...release, digest: '' }, { ...capabilities, granularityBp: 1000 })).toEqual([
      ': the release has no digest',
      'steps.0.weight: the target cannot express 1%',
      'steps.1.weight: the target cannot express 5%',
      'steps.2.weight: the target cannot express 25%',
    ]);
  });

  test('for a gate at a weight that is no step', () => {
    const steps = shop.steps.filter((step) => step.weight !== 2500);
    const gates = [{ ...gateAt(), steps: [2500] }];
    expect(inTheWay({ ...shop, steps, approvals: { ...shop.approvals, gates } })).toEqual([
      'approvals.gates.0.steps.0: there is no step of 25%',
    ]);
    expect(
      inTheWay({
        ...shop,
        approvals: { ...shop.approvals, gates: [{ ...gateAt(), bands: [{ upTo: 500, require: [] }] }] },
      }),
    ).toEqual(['approvals.gates.0.bands: no band reaches 25%', 'approvals.gates.0.bands: no band reaches 100%']);
  });

  test('for smoke on the canary where nothing leads to it', () => {
    expect(inTheWay(shop, release, { ...capabilities, preview: false })).toEqual(
      [0, 1, 2].map((step) => `steps.${step}.smoke.0: the canary cannot be reached without a preview`),
    );
  });

  test('is refused when stable is to be smoked where it cannot be reached alone', () => {
    const can = { ...capabilities, stableAim: false } as const;
    expect(inTheWay(shop, release, can)).toEqual(['rollback.confirm.0: this target has no way to reach stable alone']);
  });
});

function gateAt() {
  const { expires, escalate } = { expires: 1, escalate: [] };
  return { id: 'g', at: 'before-step' as const, expires, escalate, onExpiry: 'rollback' as const };
}
