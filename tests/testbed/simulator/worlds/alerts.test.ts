import { describe, expect, it } from 'vitest';
import type { AlertMatcher } from '../../../../plan/criteria.ts';
import { matchersFor } from '../../../../plan/alerts.ts';
import type { Measure } from '../../../../spec/world.ts';
import { parseWorld } from '../../../../spec/world.ts';
import { began, canary, given, minutes } from './given.ts';

const text = `
apiVersion: sluice/v1
kind: Rollout
metadata: { service: web, environment: production }
target: { kind: caddy, connection: edge, route: web }
release: { image: registry.example/web }
metrics: { connection: prometheus-prod }
criteria:
  - id: whole
    kind: any-of
    do: rollback
    criteria: [{ id: red, kind: alert, matchers: ['severity="critical"', '{{track}}'] }]
`;
const matchers: readonly AlertMatcher[] = matchersFor(
  [
    { label: 'severity', op: '=', value: 'critical' },
    { label: 'release', op: '=', value: '{{release}}' },
  ],
  canary,
);

describe('alerts of a world', () => {
  it('fire as they are written, also for questions about the past', async () => {
    const words: readonly Measure[] = ['good', 'bad', 3, 'empty', 'NaN', 'unavailable'];
    const points = words.slice(1).map((value, i) => ({ when: { kind: 'at', ms: minutes(i + 1) } as const, value }));
    const world = given({ criteria: { red: { canary: { first: 'good', points } } } }, {}, text);
    const seen = [];
    for (const minute of words.keys()) {
      const sample = await world.metrics.alerts(matchers, began + minutes(minute));
      seen.push(sample.kind === 'alerts' ? sample.firing : sample.reason);
      world.clock.pass(minutes(1));
    }
    expect(seen).toEqual([
      0,
      1,
      3,
      'no rule could raise such an alert',
      'rule red fails: the rule fails',
      expect.stringContaining('503') as string,
    ]);
    expect(await world.metrics.alerts(matchers, began + minutes(2))).toMatchObject({ firing: 3, names: ['red'] });
  });

  it('are written under the name of the part that asks for them', () => {
    const { plan } = given({}, {}, text);
    const world = (name: string) =>
      parseWorld(`apiVersion: sluice/v1\nkind: World\ncriteria: { ${name}: { canary: bad } }\n`, 'world.yaml', plan);
    expect(world('red').ok).toBe(true);
    const wrong = world('whole');
    expect(wrong.ok ? [] : wrong.problems.map(({ message }) => message)).toEqual([
      'the rollout has no criterion "whole"',
    ]);
  });
});
