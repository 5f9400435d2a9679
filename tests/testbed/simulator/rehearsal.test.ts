import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { renderRehearsal } from '../../../cli/render/rehearsal.ts';
import { compile } from '../../../plan/compile.ts';
import type { Plan } from '../../../plan/plan.ts';
import type { TargetCapabilities } from '../../../plan/target.ts';
import { parseDirectory } from '../../../spec/directory.ts';
import { parseSpec } from '../../../spec/rollout.ts';
import { parseWorld } from '../../../spec/world.ts';
import { rehearse, rehearsedCapabilities } from '../../../testbed/simulator/rehearsal.ts';
import { buildWorkflowBundle } from '../../../worker/bundle.ts';

let bundle = '';
beforeAll(async () => {
  bundle = await buildWorkflowBundle();
});

const startsAt = Date.UTC(2026, 0, 5, 9);
const able: TargetCapabilities = {
  ...{ granularityBp: 1, fenced: true, preview: true, affinity: false, scales: false, instantRevert: true },
};
const plan = planOf('examples/shop.yaml');
const directory = parseDirectory(readFileSync('examples/directory.yaml', 'utf8'), 'directory.yaml');
const people = directory.ok ? directory.value.people : {};

function planOf(file: string, can = able): Plan {
  const spec = parseSpec(readFileSync(file, 'utf8'), file);
  if (!spec.ok) throw new Error(JSON.stringify(spec.problems));
  const release = { image: spec.value.release.image, digest: `sha256:${'5'.repeat(64)}`, label: 'canary' };
  const compiled = compile(spec.value, release, can);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.plan;
}

function inWorld(text: string, of = plan) {
  const script = parseWorld(`apiVersion: sluice/v1\nkind: World\n${text}`, 'world.yaml', of);
  if (!script.ok) throw new Error(JSON.stringify(script.problems));
  return rehearse({ plan: of, script: script.value, people, requester: 'rita', bundle, seed: 1, startsAt });
}

const everybody = `
people:
  - { gate: go, by: carla, after: 20m }
  - { gate: wide, by: ana, after: 10m }
  - { gate: wide, by: ben, after: 10m }
  - { gate: final, by: carla, after: 10m }`;

const weightsOf = ({ weights }: Awaited<ReturnType<typeof inWorld>>) => weights.map(({ canaryBp }) => canaryBp);

describe('a rehearsal', { timeout: 180_000 }, () => {
  it('lives through days of a rollout that goes well, and asks whom the plan asks', async () => {
    const lived = await inWorld(everybody);
    expect(lived).toMatchObject({ outcome: 'completed', reason: null });
    expect(weightsOf(lived)).toEqual([100, 500, 2_500, 10_000]);
    expect(lived.tookMs).toBeGreaterThan(48 * 3_600_000);
    expect(lived.timeline.filter(({ code }) => code === 'gate-opened').map(({ text }) => text.split(',')[0])).toEqual([
      'gate go opened',
      'gate wide@25% opened',
      'gate wide@100% opened',
      'gate final opened',
    ]);
    expect(lived.historyEvents).toBeLessThan(250 + 7 * 50 + 14 * 5);
  });

  it('shows when errors are noticed and that users are away from them', async () => {
    const bad = 'criteria: { errors: { canary: [0.0005, { from: 25%, after: 10m, is: 0.04 }] } }';
    const lived = await inWorld(`${bad}${everybody}`);
    expect(lived).toMatchObject({ outcome: 'rolled-back', reason: expect.stringContaining('errors') as string });
    expect(weightsOf(lived)).toEqual([100, 500, 2_500, 0]);
    const [at25 = 0, atZero = 0] = lived.weights.slice(2).map(({ at }) => at);
    // Ten minutes until the errors, one for the criterion's `for`, the lag and the polls.
    expect((atZero - at25) / 60_000).toBeGreaterThan(11);
    expect((atZero - at25) / 60_000).toBeLessThan(12.5);
  });

  it('goes on over a metrics server that is away, and a proxy that is slow and refuses', async () => {
    const faults = `
faults:
  - { of: metrics, what: error, at: 1h, for: 5m }
  - { of: proxy, what: conflict, at: 40m, for: 30s, methods: [PATCH] }
  - { of: proxy, what: slow, by: 1s, chance: 20% }`;
    const lived = await inWorld(`${faults}${everybody}`);
    expect(lived.outcome).toBe('completed');
    expect(weightsOf(lived)).toEqual([100, 500, 2_500, 10_000]);
  });

  it('answers every kind of smoke request as the suites expect, secrets and files included', async () => {
    const lived = await inWorld('', planOf('examples/smoke.yaml'));
    expect([lived.outcome, lived.reason]).toEqual(['completed', null]);
    const told = lived.timeline.filter(({ code }) => code === 'smoke').map(({ text }) => text);
    expect(told).toHaveLength(2);
    for (const text of told) expect(text).toMatch(/^smoke full on \w+ passed: 11 requests passed in [^;]*$/);
  });

  it('does what nobody answering means', async () => {
    const lived = await inWorld('people: [{ gate: go, by: carla, after: 1m }]');
    expect(lived).toMatchObject({ outcome: 'rolled-back', reason: expect.stringContaining('wide@25%') as string });
    expect(weightsOf(lived)).toEqual([100, 500, 0]);
  });

  it('goes back on a firing alert, and on parts that are bad together', async () => {
    const guarded = planOf('examples/criteria.yaml');
    const alert = 'criteria: { red-alerts: { canary: [good, { from: 5%, after: 10m, is: bad }] } }';
    expect(await inWorld(alert, guarded)).toMatchObject({
      outcome: 'rolled-back',
      reason: expect.stringContaining('red-alerts failed: 1 alert fires: red-alerts') as string,
    });
    const one = '[good, { from: 5%, after: 10m, is: bad }, { from: 5%, after: 12m, is: good }]';
    const acts = 'acts: [{ do: abort, from: 5%, after: 15m, by: olga }]';
    const both = await inWorld(`criteria: { circuit: { canary: ${one} }, slow: { canary: ${one} } }\n${acts}`, guarded);
    expect(both.timeline.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('payment-degraded failed: 2 of 2 bad'),
    );
  });

  it('lets operators stop it and go on', async () => {
    const acts = `
acts:
  - { do: pause, from: 5%, after: 1m, by: carla, reason: a look }
  - { do: resume, from: 5%, after: 2h, by: carla }
  - { do: abort, from: 25%, after: 5m, by: olga }`;
    const lived = await inWorld(`${acts}${everybody}`);
    expect(lived).toMatchObject({ outcome: 'rolled-back', reason: expect.stringContaining('olga') as string });
    const [, at5 = 0, at25 = 0, atZero = 0] = lived.weights.map(({ at }) => at);
    expect(at25 - at5).toBeGreaterThan((2 * 60 + 29) * 60_000);
    expect(atZero - at25).toBeLessThan(5.5 * 60_000);
  });

  it('is told line by line, with what users got', async () => {
    const text = renderRehearsal(await inWorld('acts: [{ do: abort, at: 1s, by: olga }]'), plan, true);
    expect(text).toContain('it ends aborted: aborted by olga');
    expect(text).toContain('whoever answers holds every role');
    const told = renderRehearsal(
      await inWorld(
        `proxy: [{ do: restart, at: 40m, resume: false }]\nacts: [{ do: abort, at: 1h, by: olga }]${everybody}`,
      ),
      plan,
      false,
    );
    expect(told).toMatch(/\+40m\S* +traffic +users: 0% to canary \(the proxy started anew\)/);
  });

  describe('of a target with declared calls', () => {
    const steps = `criteria: { errors: { canary: [0.0005, { from: 25%, after: 10m, is: 0.04 }] } }`;

    it('completes, smoke through the operator’s preview included', async () => {
      const declared = await planThrough('examples/http.yaml');
      const lived = await inWorld('people: []', declared);
      expect(lived).toMatchObject({ outcome: 'completed', reason: null });
      expect(weightsOf(lived)).toEqual([100, 2_500, 10_000]);
      expect(lived.weights.map(({ by }) => by)).toEqual(['rollout', 'rollout', 'rollout']);
    });

    it('goes back when errors show, over an API that is slow, and away for a moment', async () => {
      const declared = await planThrough('examples/http.yaml');
      const faults = `
faults:
  - { of: proxy, what: error, at: 10m, for: 20s }
  - { of: proxy, what: slow, by: 1s, chance: 20% }`;
      const lived = await inWorld(`${steps}${faults}`, declared);
      expect(lived).toMatchObject({ outcome: 'rolled-back', reason: expect.stringContaining('errors') as string });
      expect(weightsOf(lived).at(-1)).toBe(0);
    });

    it('notices a weight changed by hand', async () => {
      const declared = await planThrough('examples/http.yaml');
      const byHand = 'proxy: [{ do: weights, canary: 60%, at: 10m }]';
      const lived = await inWorld(byHand, declared);
      expect(weightsOf(lived)).toEqual([100, 6_000, 100, 2_500, 10_000]);
      expect(lived.timeline.map(({ code }) => code)).toContain('drift');
    });
  });
});

/** Compiled for what the rehearsed target can do. */
async function planThrough(file: string): Promise<Plan> {
  return planOf(file, await rehearsedCapabilities(planOf(file)));
}
