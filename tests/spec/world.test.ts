import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compile } from '../../plan/compile.ts';
import type { Plan } from '../../plan/plan.ts';
import { renderProblems } from '../../spec/diagnostics.ts';
import { parseSpec } from '../../spec/rollout.ts';
import { parseWorld, plainWorld } from '../../spec/world.ts';

const example = (name: string) => readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8');
const head = 'apiVersion: sluice/v1\nkind: World\n';

/** Everything that is wrong with a world, as a person sees it. */
function complaintsAbout(text: string, plan: Plan | null = null): string {
  const result = parseWorld(`${head}${text}`, 'world.yaml', plan);
  return renderProblems(result.ok ? result.warnings : result.problems);
}

function shop(): Plan {
  const spec = parseSpec(example('shop.yaml'), 'shop.yaml');
  if (!spec.ok) throw new Error(renderProblems(spec.problems));
  const release = { digest: `sha256:${'ab'.repeat(32)}`, label: 'v2', image: 'registry.example/web' };
  const can = { granularityBp: 1, fenced: true, preview: true, affinity: false, scales: false, instantRevert: true };
  const compiled = compile(spec.value, release, can);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.plan;
}

describe('a world', () => {
  test('of the examples is read into plain numbers, and fits the rollout beside it', () => {
    const result = parseWorld(example('world.yaml'), 'world.yaml', shop());
    expect(result.ok && result.value).toMatchSnapshot();
  });

  test('needs nothing but its name: then all is well', () => {
    const result = parseWorld(head, 'world.yaml');
    expect(result.ok && result.value).toEqual(plainWorld);
  });

  test('takes rates and shares exactly', () => {
    const text = `${head}requests: [0.3, { at: 1h, is: 120.25 }]\nreleases: { v2: { errors: 0.29% } }\n`;
    const result = parseWorld(text, 'world.yaml');
    expect(result).toMatchObject({
      ok: true,
      value: {
        milliRequests: { first: 300, points: [{ when: { kind: 'at', ms: 3_600_000 }, value: 120_250 }] },
        releases: { v2: { errorsPpm: { first: 2_900, points: [] } } },
      },
    });
  });

  test('with many mistakes gets one report with all of them', () => {
    const report = complaintsAbout(`stable: 'v1 beta'
request: 100
requests: [{ at: 1h, is: 5 }, 7, { after: 1h, is: 2 }]
releases:
  canary:
    ready: nevr
    errors: [0.1%, { from: 0%, is: 4% }, { at: 1h, from: 5%, is: 2% }]
    smoke: 99
    unready: [{ at: 1h, after: 5m }, { for: 5m }]
    dies: [{}, { from: 25%, after: 10 minutes }]
  "v 3": {}
criteria: { errors: { canary: [good, { from: 25%, is: baad }] } }
faults:
  - { of: proxi, what: slow }
  - { of: proxy, what: reset, chance: 0.5 }
  - { of: metrics, what: error, status: 404, for: 0s }
proxy: [{ do: restart, resum: false, at: 1h }, { do: weights, from: 25% }, { do: resart }]
people: [{ gate: go, by: ana, soak: 5m }, { by: ben, decision: maybe }]
acts: [{ do: abort, by: olga }, { do: pause, by: olga, at: 1h, to: 5% }]
`);
    expect(report).toMatchSnapshot();
  });

  test('that speaks of what the rollout has not is told so', () => {
    const report = complaintsAbout(
      'criteria: { erors: { canary: bad } }\npeople: [{ gate: goo, by: ana }, { gate: wide@25%, by: ana }]\n',
      shop(),
    );
    expect(report).toMatchSnapshot();
  });
});
