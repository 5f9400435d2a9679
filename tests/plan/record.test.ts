import { describe, expect, it, test } from 'vitest';
import { digestOf } from '../../plan/digest.ts';
import { faultsOf, fitted, seal, type RecordBody } from '../../plan/record.ts';
import { recordBody } from './records.ts';

/** As it comes back from a file. */
const reread = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('a sealed record', () => {
  it('is whole after a journey through a file, whatever the order of its keys', () => {
    const sealed = seal(recordBody());
    const backwards = Object.fromEntries(Object.entries(sealed).reverse());
    expect(faultsOf(reread(sealed))).toEqual([]);
    expect(faultsOf(reread(backwards))).toEqual([]);
  });

  test.each<[string, (record: RecordBody) => unknown]>([
    [
      'a decision is taken out',
      (record) => ({ ...record, requests: record.requests.map((one) => ({ ...one, decisions: [] })) }),
    ],
    ['an event is taken out', (record) => ({ ...record, timeline: record.timeline.slice(1) })],
    ['the outcome is another', (record) => ({ ...record, status: { ...record.status, outcome: 'completed' } })],
    ['something is added', (record) => ({ ...record, note: 'all was well' })],
  ])('is seen to be changed when %s', (_, change) => {
    const { digest, ...body } = seal(recordBody());
    expect(faultsOf(reread({ ...(change(body) as object), digest }))).toEqual([
      expect.stringMatching(/^the record is not what its digest sha256:[0-9a-f]{64} names/),
    ]);
  });

  it('is seen through when somebody changed plan or evidence and computed the outer digest anew', () => {
    const body = recordBody();
    const other = { ...body, plan: { ...body.plan, title: 'harmless' } } as RecordBody;
    expect(faultsOf(seal(other))).toEqual([expect.stringContaining('the plan is not what its digest')]);
    const [request] = body.requests;
    if (request === undefined) throw new Error('no request');
    const facts = { ...request.evidence.facts, acceptedBp: 1 };
    const softer = { ...body, requests: [{ ...request, evidence: { ...request.evidence, facts } }] };
    expect(faultsOf(seal(softer))).toEqual([expect.stringContaining(`the evidence of gate ${request.gate.id} is not`)]);
  });

  it('does not promise the digests inside where a secret was hidden', () => {
    const body = recordBody();
    const hidden = { ...body, masked: 1, plan: { ...body.plan, title: '***' } } as RecordBody;
    expect(faultsOf(seal(hidden))).toEqual([]);
  });

  test.each([
    [null, 'it is no record'],
    [[], 'it is no record'],
    [{ format: 'sluice/record/v9' }, 'its format is not sluice/record/v1'],
    [{ format: 'sluice/record/v1', digest: 'x' }, 'it lacks status.rollout'],
    [{ ...seal(recordBody()), timeline: [{ at: 'yesterday' }] }, 'it lacks timeline'],
  ])('%j is none, and no hostile file makes the check throw', (value, fault) => {
    expect(faultsOf(value)).toEqual([expect.stringContaining(fault)]);
  });
});

describe('a record that grows too large', () => {
  const many = recordBody({
    timeline: Array.from({ length: 300 }, (_, at) => ({ at, code: 'ignored' as const, text: '漢'.repeat(1_000) })),
  });

  it('keeps its first and its newest events, and says how many it left out', () => {
    const body = fitted(many, 500_000);
    expect(body.timeline).toHaveLength(51);
    expect([body.timeline[0]?.at, body.timeline.at(-1)?.at]).toEqual([0, 299]);
    expect(body.leftOut).toEqual(['too large: 249 older events']);
    expect(body.requests).toEqual(many.requests);
  });

  it('gives up plan and evidence last, and can still be checked', () => {
    const body = fitted(many, 10);
    expect(body.plan).toBeNull();
    expect(body.requests).toEqual([]);
    expect(body.leftOut).toHaveLength(4);
    expect(faultsOf(seal(body))).toEqual([]);
  });

  it('is left alone while it is small enough', () => {
    expect(fitted(many)).toBe(many);
    expect(digestOf(fitted(recordBody()))).toBe(digestOf(recordBody()));
  });
});
