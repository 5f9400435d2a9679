import { describe, expect, it } from 'vitest';
import type { WorkflowInfo } from '@temporalio/workflow';
import type { Observed } from '../../activities/contract.ts';
import type { Finding } from '../../judge/verdict.ts';
import { createMetrics, type Metrics, type MetricsOptions } from '../../worker/metrics.ts';

const rollout = 'rollout/production/web';

const observed: Observed = {
  requestedBp: 500,
  acceptedBp: 500,
  share: 0.0493,
  canaryRequests: 493,
  totalRequests: 10_000,
  countedTo: null,
};

function finding(criterion: string, verdict: Finding['verdict']): Finding {
  return {
    criterion,
    verdict,
    breached: verdict === 'fail',
    breachedMs: 0,
    value: 0.01,
    baseline: null,
    limit: '> 1 %',
    at: 0,
    do: 'rollback',
    severity: 'P0',
    sentence: 'errors 1 %',
  };
}

function open(over: Partial<MetricsOptions> = {}) {
  const time = { now: 1_000_000 };
  const metrics = createMetrics({ now: () => time.now, states: async () => new Map(), ...over });
  return { ...metrics, time, lines: () => linesOf(metrics) };
}

/** Our own series, without Node's. */
async function linesOf(metrics: Metrics): Promise<readonly string[]> {
  return (await metrics.text()).split('\n').filter((line) => line.startsWith('sluice_'));
}

const info = { workflowId: rollout } as WorkflowInfo;

describe('the metrics of a worker', () => {
  it('explain every series and add the process’s own', async () => {
    const text = await open().text();
    const names = [...text.matchAll(/^# TYPE (sluice_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    expect(names.sort()).toMatchInlineSnapshot(`
      [
        "sluice_bake_seconds gauge",
        "sluice_effect_retries_total counter",
        "sluice_effect_seconds histogram",
        "sluice_effects_total counter",
        "sluice_gate_wait_seconds histogram",
        "sluice_guardian_last_look_timestamp_seconds gauge",
        "sluice_guardian_orphans_total counter",
        "sluice_notices_total counter",
        "sluice_outcomes_total counter",
        "sluice_rollbacks_total counter",
        "sluice_rollouts gauge",
        "sluice_seconds_to_zero histogram",
        "sluice_smoke_total counter",
        "sluice_verdict gauge",
        "sluice_weight gauge",
      ]
    `);
    for (const name of names) expect(text).toMatch(new RegExp(`^# HELP ${name.split(' ')[0] ?? ''} \\w.+\\.$`, 'm'));
    expect(text).toContain('process_resident_memory_bytes');
  });

  it('count effects by verb and result, and what was not the first attempt', async () => {
    const { observer, lines } = open();
    observer.effect('shift', rollout, 'unreachable', 8_000, 1);
    observer.effect('shift', rollout, 'done', 40, 2);
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'sluice_effects_total{verb="shift",result="unreachable"} 1',
        'sluice_effects_total{verb="shift",result="done"} 1',
        'sluice_effect_retries_total{verb="shift"} 1',
        'sluice_effect_seconds_bucket{le="0.05",verb="shift"} 1',
        'sluice_effect_seconds_count{verb="shift"} 2',
      ]),
    );
  });

  it('show the three weights as shares, the unknown ones not at all', async () => {
    const { observer, lines } = open();
    observer.weights(rollout, observed);
    observer.weights('rollout/test/api', { ...observed, acceptedBp: null, share: null });
    expect((await lines()).filter((line) => line.startsWith('sluice_weight'))).toEqual([
      `sluice_weight{rollout="${rollout}",kind="requested"} 0.05`,
      `sluice_weight{rollout="${rollout}",kind="accepted"} 0.05`,
      `sluice_weight{rollout="${rollout}",kind="observed"} 0.0493`,
      'sluice_weight{rollout="rollout/test/api",kind="requested"} 0.05',
    ]);
  });

  it('show only the present verdict of a criterion', async () => {
    const { observer, lines } = open();
    observer.findings(rollout, [finding('errors', 'no-data'), finding('latency', 'pass')]);
    observer.findings(rollout, [finding('errors', 'fail')]);
    expect((await lines()).filter((line) => line.startsWith('sluice_verdict'))).toEqual([
      `sluice_verdict{rollout="${rollout}",criterion="errors",verdict="fail"} 1`,
    ]);
  });

  it('show the bake clock in seconds', async () => {
    const { observer, lines } = open();
    observer.bake(rollout, 90_000, 120_000);
    expect((await lines()).filter((line) => line.startsWith('sluice_bake'))).toEqual([
      `sluice_bake_seconds{rollout="${rollout}",kind="valid"} 90`,
      `sluice_bake_seconds{rollout="${rollout}",kind="elapsed"} 120`,
    ]);
  });

  it('count what only the workflow knows, and forget a rollout that has ended', async () => {
    const { observer, sinks, lines } = open();
    observer.weights(rollout, observed);
    await sinks.observer.gateClosed.fn(info, { point: 'step', state: 'approved', waitMs: 42_000 });
    await sinks.observer.turnedBack.fn(info, { reason: 'verdict', fromBp: 500 });
    observer.zero(rollout, 420);
    await sinks.observer.ended.fn(info, { outcome: 'rolled-back', tookMs: 60_000 });
    const shown = await lines();
    expect(shown).toEqual(
      expect.arrayContaining([
        'sluice_gate_wait_seconds_sum{point="step",state="approved"} 42',
        'sluice_rollbacks_total{reason="verdict"} 1',
        'sluice_outcomes_total{outcome="rolled-back"} 1',
        'sluice_seconds_to_zero_bucket{le="0.5"} 1',
        'sluice_seconds_to_zero_bucket{le="0.25"} 0',
      ]),
    );
    expect(shown.filter((line) => line.startsWith('sluice_weight'))).toEqual([]);
  });

  it('show weight zero and no bake once zero was read back', async () => {
    const { observer, lines } = open();
    observer.weights(rollout, observed);
    observer.bake(rollout, 1_000, 1_000);
    observer.zero(rollout, 420);
    expect((await lines()).filter((line) => /^sluice_(weight|bake)/.test(line))).toEqual([
      `sluice_weight{rollout="${rollout}",kind="requested"} 0`,
      `sluice_weight{rollout="${rollout}",kind="accepted"} 0`,
    ]);
  });

  it('do not take the last words of a watch for news of a rollout that has ended, but those of its successor', async () => {
    const { observer, sinks, lines, time } = open();
    const weights = async () => (await lines()).filter((line) => line.startsWith('sluice_weight')).length;
    observer.weights(rollout, observed);
    await sinks.observer.ended.fn(info, { outcome: 'completed', tookMs: 60_000 });
    time.now += 10_000;
    observer.weights(rollout, observed);
    expect(await weights()).toBe(0);
    time.now += 1;
    observer.weights(rollout, observed);
    expect(await weights()).toBe(3);
  });

  it('are not counted again when a workflow is replayed', () => {
    const { gateClosed, turnedBack, ended } = open().sinks.observer;
    expect([gateClosed, turnedBack, ended].map((sink) => sink.callDuringReplay)).toEqual([false, false, false]);
  });

  it('count smoke and notices', async () => {
    const { observer, lines } = open();
    observer.smoke(rollout, 'basic', true);
    observer.smoke(rollout, 'basic', false);
    observer.notice('ops', false);
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'sluice_smoke_total{result="passed"} 1',
        'sluice_smoke_total{result="failed"} 1',
        'sluice_notices_total{channel="ops",result="failed"} 1',
      ]),
    );
  });

  it('show the open rollouts by state as the server lists them, and nothing when it does not answer', async () => {
    const states = new Map([['baking', 3] as const, ['awaiting-approval', 0] as const]);
    expect((await open({ states: async () => states }).lines()).filter((line) => line.includes('rollouts{'))).toEqual([
      'sluice_rollouts{state="baking"} 3',
      'sluice_rollouts{state="awaiting-approval"} 0',
    ]);
    const away = open({ states: () => Promise.reject(new Error('away')) });
    expect((await away.lines()).filter((line) => line.includes('rollouts{'))).toEqual([]);
  });
});

describe('the number of series', () => {
  it('does not grow with the rollouts that ever were: silent ones are dropped', async () => {
    const { observer, lines, time } = open();
    observer.weights(rollout, observed);
    time.now += 300_000;
    expect((await lines()).some((line) => line.startsWith('sluice_weight'))).toBe(true);
    time.now += 1;
    expect((await lines()).some((line) => line.startsWith('sluice_weight'))).toBe(false);
  });

  it('has a ceiling: of more than 2,000 rollouts the one longest unheard of is left out', async () => {
    const { observer, lines } = open();
    for (let n = 0; n < 2_000; n++) observer.bake(`rollout/test/s${n}`, 0, 0);
    observer.bake('rollout/test/s0', 1, 1);
    observer.bake('rollout/test/new', 0, 0);
    const shown = (await lines()).join('\n');
    expect(shown).toContain('rollout="rollout/test/s0"');
    expect(shown).not.toContain('rollout="rollout/test/s1"');
    expect(shown).toContain('rollout="rollout/test/new"');
  });

  it('does not depend on what a spec or a message writes', async () => {
    const { observer, lines } = open();
    observer.smoke(rollout, 'a-suite-name', true);
    observer.effect('shift', 'rollout/x/"}\n{', 'done', 1, 1);
    observer.bake('rollout/x/"}\n{', 1_000, 1_000);
    const shown = await lines();
    expect(shown.join('\n')).not.toContain('a-suite-name');
    expect(shown).toContain('sluice_bake_seconds{rollout="rollout/x/\\"}\\n{",kind="valid"} 1');
  });
});
