import { describe, expect, it } from 'vitest';
import { violations } from '../../testbed/world/invariants.ts';
import type { ProxyWrite } from '../../testbed/world/observe.ts';

const stepsBp = [100, 500, 2500, 10_000];
const [v1, v2] = ['1', '2'].map((digit) => ({ digest: `sha256:${digit}`, label: `v${digit}` })) as [Named, Named];

interface Named {
  readonly digest: string;
  readonly label: string;
}

interface Hand {
  readonly fence: number;
  readonly bp: number;
  readonly stage: 'deployed' | 'promoted' | 'back' | number;
  readonly released?: boolean;
  readonly run?: string;
}

function write({ fence, bp, stage, released = false, run = 'one' }: Hand): ProxyWrite {
  const said = typeof stage === 'number' ? { kind: 'step', index: stage } : { kind: stage };
  const slots = { a: v1, b: v2 };
  const claim = { rollout: 'rollout/demo/web', run, fence, stage: said, canary: v2, slots, released };
  return { at: fence, bySlot: { a: 10_000 - bp, b: bp }, claim, canaryBp: bp };
}

const deployed = write({ fence: 1, bp: 0, stage: 'deployed' });
const first = write({ fence: 2, bp: 100, stage: 0 });
const second = write({ fence: 3, bp: 500, stage: 1 });
const third = write({ fence: 4, bp: 2500, stage: 2 });
const all = write({ fence: 5, bp: 10_000, stage: 3 });
const promoted = write({ fence: 6, bp: 10_000, stage: 'promoted' });
const retired = write({ fence: 7, bp: 10_000, stage: 'promoted', released: true });
const back = write({ fence: 8, bp: 0, stage: 'back' });
const gone = write({ fence: 9, bp: 0, stage: 'back', released: true });

const under = (writes: readonly ProxyWrite[]) => violations(writes, { stepsBp, ended: false });
const ended = (writes: readonly ProxyWrite[]) => violations(writes, { stepsBp, ended: true });

describe('the invariants of a record', () => {
  it('find nothing in a rollout that completed, or went back from anywhere', () => {
    expect(ended([deployed, first, second, third, all, promoted, retired])).toEqual([]);
    expect(ended([deployed, first, second, back, gone])).toEqual([]);
    expect(ended([deployed, back, gone])).toEqual([]);
    expect(under([])).toEqual([]);
  });

  it('allow an effect to be repeated under its fence, and a fence to be raised alone before going back', () => {
    expect(under([deployed, deployed, first, first, second])).toEqual([]);
    const raised = write({ fence: 8, bp: 500, stage: 1 });
    expect(ended([deployed, first, second, raised, back, gone])).toEqual([]);
  });

  it('allow a planned weight to be written again with a new fence, and to rise again after a step down', () => {
    const again = write({ fence: 4, bp: 500, stage: 1 });
    const down = write({ fence: 5, bp: 100, stage: 0 });
    const up = write({ fence: 6, bp: 500, stage: 1 });
    expect(under([deployed, first, second, again, down, up])).toEqual([]);
  });

  it('find a write without a claim', () => {
    const foreign = { at: 1, bySlot: { a: 5000, b: 5000 }, claim: null, canaryBp: null };
    expect(under([foreign])).toEqual(['write 1 carries no claim']);
  });

  it('find nothing on all, and less than everything', () => {
    const sum = 'which is not all of the traffic';
    expect(under([{ ...deployed, bySlot: { a: Number.NaN, b: Number.NaN } }])[0]).toContain(sum);
    expect(under([{ ...deployed, bySlot: { a: 0, b: 0 } }])[0]).toContain(sum);
    expect(under([{ ...first, bySlot: { a: 9800, b: 100 } }])[0]).toContain(sum);
  });

  it('find a fence that falls, and one that another run has used', () => {
    expect(under([deployed, first, write({ fence: 1, bp: 100, stage: 0 })])[0]).toContain('came after fence 2');
    const other = write({ fence: 1, bp: 0, stage: 'deployed', run: 'two' });
    expect(under([deployed, other])[0]).toContain('uses the fence of another run');
  });

  it('find two weights under one fence', () => {
    expect(under([deployed, first, write({ fence: 2, bp: 500, stage: 1 })])[0]).toContain('the same fence had set 100');
  });

  it('find a step that was left out, and one that is higher than planned', () => {
    expect(under([deployed, second])[0]).toContain('raises 0 to 500; the next step is 100');
    expect(under([deployed, first, write({ fence: 3, bp: 700, stage: 1 })])[0]).toContain('which is not its weight');
  });

  it('find a rise outside a step', () => {
    expect(under([deployed, write({ fence: 2, bp: 100, stage: 'deployed' })])[0]).toContain('outside a step');
  });

  it('find what goes forward or rises after the run has turned back', () => {
    const forward = write({ fence: 9, bp: 0, stage: 'deployed' });
    expect(under([deployed, back, forward])[0]).toContain('goes forward after the run had turned back');
    const late = write({ fence: 9, bp: 100, stage: 0 });
    expect(under([deployed, back, late])[0]).toContain('goes forward after the run had turned back');
    const rising = write({ fence: 9, bp: 100, stage: 'back' });
    expect(under([deployed, back, rising])).toContainEqual(expect.stringContaining('while going back'));
    const other = { ...write({ fence: 9, bp: 0, stage: 'deployed', run: 'two' }) };
    expect(under([deployed, back, other])).toEqual([]);
  });

  it('find an end with two releases, with a claim still held, or with traffic on what went back', () => {
    expect(ended([])).toEqual(['nothing was ever written']);
    const split = write({ fence: 3, bp: 100, stage: 0, released: true });
    expect(ended([deployed, first, split])).toEqual(['it ends with 9900 and 100']);
    expect(ended([deployed, first, back])[0]).toContain('does not give the claim back');
    const lost = write({ fence: 8, bp: 10_000, stage: 'back', released: true });
    expect(ended([deployed, first, second, third, all, lost])).toEqual(['it went back and ends with 10000']);
  });
});
