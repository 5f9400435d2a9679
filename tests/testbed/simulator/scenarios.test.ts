import { beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../../plan/compile.ts';
import type { Plan } from '../../../plan/plan.ts';
import type { TargetCapabilities } from '../../../plan/target.ts';
import { parseSpec } from '../../../spec/rollout.ts';
import { parseWorld } from '../../../spec/world.ts';
import { rehearse } from '../../../testbed/simulator/rehearsal.ts';
import { buildWorkflowBundle } from '../../../worker/bundle.ts';

/** Scenarios of days, lived through from start to end; their numbers are those of the requirements. */
let bundle = '';
beforeAll(async () => {
  bundle = await buildWorkflowBundle();
});

const minute = 60_000;
const hour = 60 * minute;
const able: TargetCapabilities = {
  ...{ granularityBp: 1, fenced: true, preview: false, affinity: false, scales: false, instantRevert: true },
};
const roles = ['tech-lead', 'qa', 'security', 'product', 'sre'];
const directory = Object.fromEntries(roles.map((role) => [`a-${role}`, { roles: [role] }]));
const specWith = (bake: string) => `
apiVersion: sluice/v1
kind: Rollout
metadata: { service: web, environment: production }
target: { kind: caddy, connection: edge, route: web }
release: { image: registry.example/web }
metrics: { connection: prometheus, requests: 'http_requests_total{app="web"}' }
people: { roles: [${roles.join(', ')}] }
approvals:
  gates:
    - id: go
      at: start
      require: [{ allOf: [${roles.join(', ')}] }]
      expires: 24h
      onExpiry: abort
      escalate: [{ at: 50%, remind: missing }, { at: 90%, remind: missing }]
criteria:
  - { id: errors, kind: limit, query: 'sum(errors{{{track}}})', breach: '>= 1%', for: 5m, do: rollback }
  - { id: p95, kind: limit, query: 'sum(p95{{{track}}})', breach: '>= 2s', for: 5m, do: rollback }
steps:
  - { weight: 5%, bake: ${bake} }
  - { weight: 25%, bake: 30m..60m, onHold: rollback, holdFor: 1h }
  - { weight: 100%, bake: 30m }
watch: { for: 1h }
`;

function planned(bake: string): Plan {
  const parsed = parseSpec(specWith(bake), 'spec.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const release = { image: parsed.value.release.image, digest: `sha256:${'5'.repeat(64)}`, label: 'canary' };
  const compiled = compile(parsed.value, release, able);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.plan;
}

/** What somebody of each role does at the gate; a role that is not named says yes after a minute. */
type Answers = Readonly<Record<string, string>>;

async function lived(text: string, answers: Answers = {}, bake = '30m') {
  const plan = planned(bake);
  const people = roles.map((role) => `  - { gate: go, by: a-${role}, ${answers[role] ?? 'after: 1m'} }`);
  const file = `apiVersion: sluice/v1\nkind: World\npeople:\n${people.join('\n')}\n${text}`;
  const script = parseWorld(file, 'world.yaml', plan);
  if (!script.ok) throw new Error(JSON.stringify(script.problems));
  const startsAt = Date.UTC(2026, 0, 5, 9);
  const { timeline, weights, ...end } = await rehearse({
    ...{ plan, script: script.value, people: directory, requester: 'rita', bundle, seed: 1, startsAt, tells: true },
  });
  const at = (code: string) => timeline.filter((event) => event.code === code).map((event) => event.at - startsAt);
  const texts = (code: string) => timeline.filter((event) => event.code === code).map((event) => event.text);
  return { ...end, at, texts, weights: weights.map(({ canaryBp }) => canaryBp), weighed: weights.map((one) => one.at) };
}

const canary = (criterion: string, points: string) => `criteria: { ${criterion}: { canary: [good, ${points}] } }`;

describe('rollouts of days', { timeout: 180_000 }, () => {
  it.each([
    ['errors', '0.01', 'canary 1% ≥ 1%'],
    ['p95', '2.0', 'canary 2s ≥ 2s'],
  ])('go back five minutes after %s breach from hour 23 on, and never reach 25 % (T-21)', async (id, value, said) => {
    const end = await lived(canary(id, `{ from: 5%, after: 23h, is: ${value} }`), {}, '24h');
    expect([end.outcome, end.weights]).toEqual(['rolled-back', [500, 0]]);
    expect(end.reason).toContain(`criterion ${id} failed: ${said}`);
    const [from = 0, to = 0] = end.weighed;
    expect(to - from).toBeGreaterThanOrEqual(23 * hour + 5 * minute);
    expect(to - from).toBeLessThan(23 * hour + 6 * minute);
  });

  it.each(['empty', 'NaN', 'unavailable'])(
    'hold at the end of a bake that had only %s, and go back when nobody decides (T-26)',
    async (lost) => {
      const end = await lived(canary('errors', `{ from: 25%, is: ${lost} }`));
      expect([end.outcome, end.weights]).toEqual(['rolled-back', [500, 2_500, 0]]);
      const [, raised = 0, zero = 0] = end.weighed;
      expect(end.texts('warning').at(-1)).toMatch(/^nothing could be judged for five minutes: errors/);
      const pages = end.notices.filter(({ text }) => text.startsWith('nothing could be judged for five minutes'));
      expect(pages.length).toBeGreaterThanOrEqual(1);
      expect(new Set(pages.map(({ severity }) => severity))).toEqual(new Set(['P0']));
      const paged = (pages[0]?.at ?? NaN) - raised;
      expect([paged >= 5 * minute, paged < 7 * minute]).toEqual([true, true]);
      expect(end.texts('held')).toEqual([expect.stringContaining('no valid data for 1h of this bake: errors')]);
      expect(end.reason).toContain('nobody decided in time');
      expect(zero - raised).toBeGreaterThanOrEqual(2 * hour);
    },
  );

  it('go on by themselves when data is back before the end of the bake (T-26)', async () => {
    const points = '{ from: 25%, is: unavailable }, { from: 25%, after: 20m, is: good }';
    const end = await lived(canary('errors', points));
    expect([end.outcome, end.weights]).toEqual(['completed', [500, 2_500, 10_000]]);
    const [, raised = 0, whole = 0] = end.weighed;
    expect(whole - raised).toBeGreaterThanOrEqual(50 * minute);
  });

  it('give up by themselves a release that never becomes ready, and no user ever meets it', async () => {
    const end = await lived('releases: { canary: { ready: never } }');
    expect([end.outcome, end.weights]).toEqual(['aborted', []]);
    expect(end.reason).toMatch(/^deploying failed: .*slot b is starting: its health check does not answer/);
    expect(end.tookMs).toBeGreaterThanOrEqual(30 * minute);
    expect(end.tookMs).toBeLessThan(35 * minute);
  });

  it('wait for the fifth of five, are reminded of whom they lack, and end when nobody comes (T-30, T-32)', async () => {
    const waited = await lived('acts: [{ do: abort, from: 5%, after: 1m, by: olga }]', { sre: 'after: 5h' });
    expect(waited.at('gate-passed')[0]).toBeGreaterThanOrEqual(5 * hour);
    expect(waited.weights).toEqual([500, 0]);

    const end = await lived('', { sre: 'after: 30h' });
    expect([end.outcome, end.weights]).toEqual(['aborted', []]);
    expect(end.at('gate-reminded').map((ms) => Math.round(ms / minute))).toEqual([12 * 60, 21.6 * 60]);
    expect(end.texts('gate-reminded')[0]).toContain('still awaits 1 of sre;');
    expect(end.tookMs).toBeLessThan(24 * hour + minute);
  });

  it('end without a touch when one of five says no after the others said yes (T-31)', async () => {
    const end = await lived('', { security: "after: 2h, decision: reject, reason: 'a known hole'" });
    expect([end.outcome, end.weights]).toEqual(['aborted', []]);
    expect(end.reason).toBe('a-security rejected gate go: a known hole');
    expect(end.texts('decision')).toHaveLength(5);
    expect([...end.at('deployed'), ...end.at('shifted'), ...end.at('zero')]).toEqual([]);
  });
});
