/** The record of a rollout that went back after one gate, for tests that change what they are about. */

import { readFileSync } from 'node:fs';
import { decide } from '../../approvals/decide.ts';
import { compile } from '../../plan/compile.ts';
import { planDigest } from '../../plan/digest.ts';
import type { Plan } from '../../plan/plan.ts';
import { recordFormat, type RecordBody } from '../../plan/record.ts';
import { parseSpec } from '../../spec/rollout.ts';
import { allOf, asked, inputFor, loose, opened, proofOf, requester } from '../approvals/given.ts';
import { status } from '../cli/statuses.ts';

const release = { digest: `sha256:${'ab'.repeat(32)}`, label: 'v2', image: 'registry.example/web' };
const capabilities = {
  granularityBp: 1,
  fenced: true,
  preview: true,
  affinity: false,
  scales: false,
  instantRevert: true,
};

function plan(): Plan {
  const text = readFileSync(new URL('../../examples/minimal.yaml', import.meta.url), 'utf8');
  const spec = parseSpec(text, 'minimal.yaml');
  if (!spec.ok) throw new Error(JSON.stringify(spec.problems));
  const result = compile(spec.value, release, capabilities);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.plan;
}

export function recordBody(change: Partial<RecordBody> = {}): RecordBody {
  const whole = plan();
  const request = asked(allOf('sre'));
  const facts = { now: opened + 1, planDigest: request.evidence.facts.planDigest, channel: 'update' } as const;
  const answered = decide(request, inputFor(request, 'ana'), proofOf('ana', 'sre'), facts, loose, requester);
  return {
    format: recordFormat,
    status: status({
      ...{ planDigest: planDigest(whole), release, phase: 'ended', outcome: 'rolled-back' },
      reason: 'criterion errors failed: 7% > 1%',
    }),
    plan: whole,
    requests: [answered.request],
    timeline: [
      { at: 1, code: 'started', text: 'rita started v2' },
      { at: 2, code: 'outcome:rolled-back', text: 'rolled-back: 7% > 1%' },
    ],
    leftOut: [],
    masked: 0,
    ...change,
  };
}
