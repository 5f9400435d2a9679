import { describe, expect, it } from 'vitest';
import { checkCriteria } from '../../activities/preflight-metrics.ts';
import type { Ports } from '../../activities/ports.ts';
import type { AlertSample } from '../../judge/verdict.ts';
import type { Criterion } from '../../plan/criteria.ts';
import type { MetricsPlan, Plan } from '../../plan/plan.ts';
import { common, nothing, order, t0 } from './scripted.ts';

const red = (over: object = {}): Criterion => ({
  ...common,
  id: 'red',
  kind: 'alert',
  matchers: [{ label: 'severity', op: '=', value: 'critical' }],
  ...over,
});
const quiet: AlertSample = { kind: 'alerts', firing: 0, names: [], rules: 1 };
const fires: AlertSample = { kind: 'alerts', firing: 1, names: ['HighErrors'], rules: 1 };

/** `level code: message` of everything found. */
async function found(criterion: Criterion, alerts: AlertSample): Promise<readonly string[]> {
  const notes: string[] = [];
  const source = { ping: async () => undefined, alerts: async () => alerts, instant: async () => nothing };
  const ports = { clock: { now: () => t0 }, metrics: () => source } as unknown as Ports;
  const metrics: MetricsPlan = { connection: 'p', trackLabel: 'release', lagMs: 0, everyMs: 1, requests: null };
  await checkCriteria(
    ports,
    { criteria: [criterion] } as unknown as Plan,
    metrics,
    order.stable,
    {
      problem: (code, message) => void notes.push(`problem ${code}: ${message}`),
      warning: (code, message) => void notes.push(`warning ${code}: ${message}`),
    },
    AbortSignal.timeout(10_000),
  );
  return notes;
}

describe('before the start', () => {
  it('alerts that nobody can tell about refuse the rollout, also inside of a composite', async () => {
    const away: AlertSample = { kind: 'no-data', reason: 'no rule could raise such an alert' };
    const said =
      'problem criterion.no-data: criterion red cannot tell whether an alert fires: no rule could raise such an alert. ' +
      'The connection must be a server that evaluates alerting rules, or knows those that do. ' +
      'Alerts: ALERTS{alertstate="firing",severity="critical"}';
    expect(await found(red(), away)).toEqual([said]);
    const parts = [{ kind: 'criterion', criterion: red() } as const];
    expect(await found({ ...common, id: 'whole', kind: 'any-of', parts }, away)).toEqual([said]);
    expect(await found(red(), quiet)).toEqual([]);
  });

  it('an alert that fires already refuses what it would take back at once, and warns otherwise', async () => {
    expect(await found(red(), fires)).toEqual([
      expect.stringMatching(/^problem criterion\.fires: .* fire already: HighErrors of ALERTS/),
    ]);
    const mild = [{ do: 'hold' }, { when: 'watch' }, { matchers: [{ label: 'r', op: '=', value: '{{release}}' }] }];
    for (const over of mild) expect((await found(red(over), fires))[0]).toMatch(/^warning criterion\.fires/);
  });

  it('a time zone that this worker does not know refuses it', async () => {
    const calendar = { timezone: 'Atlantis/Old_Town', windows: [{ days: ['mon'], fromMs: 0, toMs: 1 }] };
    expect(await found(red({ onlyIf: { calendar } }), quiet)).toEqual([
      'problem criterion.timezone: criterion red: this worker does not know the time zone Atlantis/Old_Town',
    ]);
  });
});
