import { describe, expect, it, test } from 'vitest';
import { compile } from '../../plan/compile.ts';
import { planShape } from '../../plan/plan-shape.ts';
import type { TargetCapabilities } from '../../plan/target.ts';
import { renderProblems } from '../../spec/diagnostics.ts';
import { parseSpec } from '../../spec/rollout.ts';

const spec = (switches: string, flips = 'flip:smart-mode') => `apiVersion: sluice/v1
kind: Rollout
metadata: { service: chat, environment: production }
target:
  kind: kubernetes
  connection: cluster
  namespace: chat
  workload: { deployment: chat, container: app }
  service: chat
  router: { kind: gateway-api, httpRoute: chat }
  preview: { header: "x-sluice-preview: canary" }
release: { image: registry.example/chat }
metrics: { connection: prometheus }
smoke: { suites: { chat-no-ai: { requests: [{ name: chat, get: /api/chat }] } } }
criteria:
  - { id: circuit, kind: limit, query: "max(open{{{track}}})", breach: "> 0", do: ${flips} }
switches:
${switches}
`;

const smartMode =
  '  - { id: smart-mode, kind: kubernetes-env, deployment: [stable, canary], env: SMART_MODE_ENABLED, off: "false", verify: chat-no-ai, rejudgeAfter: 5m, stillBad: rollback }';

const release = { image: 'registry.example/chat', label: 'v2', digest: `sha256:${'2'.repeat(64)}` };
const capabilities: TargetCapabilities = {
  ...{ granularityBp: 1, fenced: true, preview: true, affinity: false, scales: true, instantRevert: true },
  switches: ['kubernetes-env', 'kubernetes-config'],
};

function parsed(text: string) {
  const result = parseSpec(text, 'chat.yaml');
  if (!result.ok) throw new Error(renderProblems(result.problems));
  return result.value;
}

function problemsOf(text: string): string {
  const result = parseSpec(text, 'chat.yaml');
  return result.ok ? '' : renderProblems(result.problems);
}

describe('a kill switch', () => {
  it('of an environment variable becomes a part of the plan', () => {
    const compiled = compile(parsed(spec(smartMode)), release, capabilities);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
    expect(compiled.plan.switches).toEqual([
      {
        id: 'smart-mode',
        place: {
          kind: 'kubernetes-env',
          deployments: ['stable', 'canary'],
          container: null,
          env: 'SMART_MODE_ENABLED',
        },
        off: 'false',
        verify: { suite: 'chat-no-ai', aim: 'canary' },
        rejudgeAfterMs: 300_000,
        stillBad: 'rollback',
      },
    ]);
    expect(compiled.plan.criteria).toMatchObject([{ id: 'circuit', do: 'flip:smart-mode' }]);
    expect(planShape(compiled.plan, 'plan')).toBeNull();
  });

  it('of a ConfigMap needs nothing but its place and the value', () => {
    const text = spec(
      '  - { id: smart-mode, kind: kubernetes-config, configMap: chat-flags, key: smart.mode, off: "0" }',
    );
    const compiled = compile(parsed(text), release, capabilities);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
    expect(compiled.plan.switches).toEqual([
      {
        ...{ id: 'smart-mode', off: '0', verify: null, rejudgeAfterMs: 300_000, stillBad: 'rollback' },
        place: { kind: 'kubernetes-config', configMap: 'chat-flags', key: 'smart.mode' },
      },
    ]);
  });

  it('is no part of a plan that has none, so that its digest stays', () => {
    const text = spec('  []', 'rollback').replace('switches:\n  []\n', '');
    const compiled = compile(parsed(text), release, capabilities);
    expect(compiled.ok && 'switches' in compiled.plan).toBe(false);
  });

  it('is refused where the target has no hand on it', () => {
    const { switches, ...without } = capabilities;
    expect(switches).toBeDefined();
    expect(compile(parsed(spec(smartMode)), release, without)).toEqual({
      ok: false,
      problems: [
        {
          path: ['switches', 0, 'kind'],
          message: 'this target cannot turn a kubernetes-env off',
          expected: 'no switches',
        },
      ],
    });
  });
});

test.each([
  [
    'a criterion that turns off what there is not',
    spec(smartMode, 'flip:smart-mod'),
    /there is no switch "smart-mod"[^]*did you mean "smart-mode"/,
  ],
  ['two of one name', spec(`${smartMode}\n${smartMode}`), /switch "smart-mode" stands here a second time/],
  [
    'a suite that there is not',
    spec(smartMode.replace('verify: chat-no-ai', 'verify: chat')),
    /unknown smoke suite "chat"/,
  ],
  ['an off that is no text', spec(smartMode.replace('"false"', 'false')), /false is not a text in quotes/],
  [
    'a name that no variable has',
    spec(smartMode.replace('SMART_MODE_ENABLED', 'smart-mode=1')),
    /is not the name of an environment variable/,
  ],
  ['a kind that nobody knows', spec(smartMode.replace('kubernetes-env', 'env')), /unknown kind "env"/],
])('%s is told', (_, text, told) => {
  expect(problemsOf(text)).toMatch(told);
});
