import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderChanges } from '../../cli/render/changes.ts';
import { criterionLines } from '../../cli/render/criteria.ts';
import { unpainted } from '../../cli/render/paint.ts';
import { findingLines } from '../../cli/render/parts.ts';
import { compile } from '../../plan/compile.ts';
import { parseSpec } from '../../spec/rollout.ts';
import { finding, noon, status } from './statuses.ts';

test('a plan shows when each criterion is bad, what follows, and what is asked', () => {
  const spec = parseSpec(readFileSync('examples/criteria.yaml', 'utf8'), 'criteria.yaml');
  if (!spec.ok) throw new Error('the example is broken');
  const release = { image: 'registry.example/web', digest: `sha256:${'a'.repeat(64)}`, label: 'v2' };
  const can = { granularityBp: 1, fenced: true, preview: true, affinity: false, scales: false, instantRevert: true };
  const compiled = compile(spec.value, release, can);
  if (!compiled.ok) throw new Error('the example cannot be compiled');
  const { plan } = compiled;
  const lines = plan.criteria.flatMap((criterion) => criterionLines(criterion, plan, unpainted));
  expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
    "
      errors: > 1% until < 0.8% for 1m -> rollback (P0, always)
        (sum(rate(http_requests_total{app="web",release="v2",code=~"5.."}[1m])) or vector(0)) / sum(rate(http_requests_total{app="web",release="v2"}[1m]))
      red-alerts: fires {severity="critical",app=~"web|payment"} -> rollback (P0, always)
        ALERTS{alertstate="firing",severity="critical",app=~"web|payment"}
      no-shoppers: == 0 for 2m, only mon-fri 09:00-18:00 America/Argentina/Buenos_Aires, only after it was > 0 -> rollback (P0, always)
        sum(shop_active_sessions{app="web"})
      payment-degraded: all of circuit, degraded -> hold (P1, always)
        circuit: > 0
          max(payment_circuit_open{app="web",release="v2"})
        degraded: any of errors, slow
          errors: breached
          slow: > 3s
            max(payment_seconds{app="web",release="v2"})
    "
  `);
});

test('what does not count now is shown as that, and its change is news', () => {
  const idle = finding({ verdict: 'inconclusive', idle: true, sentence: 'counts only mon-fri UTC' });
  expect(findingLines([idle], 80, unpainted)).toEqual(['- errors  counts only mon-fri UTC']);
  const seen = (one: typeof idle) => ({ at: noon, status: status({ findings: [one] }), timeline: [], trouble: null });
  const undecided = finding({ verdict: 'inconclusive' });
  expect(renderChanges(seen(undecided), seen(idle))).toEqual([
    '2026-11-22T12:00:00Z  errors does not count: counts only mon-fri UTC',
  ]);
  expect(renderChanges(seen(idle), seen(idle))).toEqual([]);
});
