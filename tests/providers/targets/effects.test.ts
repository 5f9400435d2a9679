import { describe, expect, it } from 'vitest';
import type { Claim, Order } from '../../../plan/target.ts';
import { admit, type Admission, type Direction } from '../../../providers/targets/effects.ts';

const stable = { digest: `sha256:${'a'.repeat(64)}`, label: 'v1', image: 'registry.example/web' };
const canary = { digest: `sha256:${'b'.repeat(64)}`, label: 'v2', image: 'registry.example/web' };

function order(fence: number, change: Partial<Order> = {}): Order {
  return { rollout: 'rollout/production/web', run: 'run-1', fence, stable, canary, ...change };
}

function claim(fence: number, change: Partial<Claim> = {}): Claim {
  const stage = { kind: 'step', index: 1 } as const;
  return { ...order(fence), stage, canaryBp: 500, since: 1, released: false, ...change };
}

type Kinds = Record<Direction, Admission['kind']>;

function kinds(standing: Claim | null, asked: Order, done = false): Kinds {
  const of = (direction: Direction): Admission['kind'] => admit(standing, asked, { direction, done }).kind;
  return { claim: of('claim'), raise: of('raise'), lower: of('lower') };
}

const all = (kind: Admission['kind']): Kinds => ({ claim: kind, raise: kind, lower: kind });
const foreign = { rollout: 'rollout/production/shop', run: 'run-9' };

describe('admission of an effect', () => {
  it('lets the rollout that holds the target go on with a larger fence', () => {
    expect(kinds(claim(7), order(8))).toEqual(all('admitted'));
  });

  it('refuses a smaller fence whatever it does, and says which stands there', () => {
    expect(kinds(claim(9), order(8))).toEqual(all('fenced'));
    expect(admit(claim(9), order(8), { direction: 'lower', done: true })).toEqual({
      kind: 'fenced',
      fence: 9,
      sentence: 'fence 9 of rollout/production/web (run run-1) stands there, this effect carries 8',
    });
  });

  it('knows a repeat of the same effect by its fence and its content', () => {
    expect(kinds(claim(8), order(8), true)).toEqual(all('already-done'));
  });

  it('refuses to raise by a number that was used for something else, but lets it lower', () => {
    expect(kinds(claim(8), order(8))).toEqual({ claim: 'admitted', raise: 'fenced', lower: 'admitted' });
  });

  it('raises nothing any more once the rollout is going back, not even with a larger fence', () => {
    const back = claim(8, { stage: { kind: 'back' } });
    expect(kinds(back, order(20))).toEqual({ claim: 'fenced', raise: 'fenced', lower: 'admitted' });
  });

  it('and takes no stage of the way forward over it then, not even a lower one', () => {
    const back = claim(8, { stage: { kind: 'back' } });
    for (const fence of [8, 20]) {
      expect(admit(back, order(fence), { direction: 'lower', done: false, forward: true })).toMatchObject({
        kind: 'fenced',
        sentence: 'this rollout is going back, no stage comes any more',
      });
    }
    expect(admit(claim(8), order(9), { direction: 'lower', done: false, forward: true }).kind).toBe('admitted');
  });

  it('only lowers once the rollout has released its claim', () => {
    const released = claim(8, { released: true });
    expect(kinds(released, order(9))).toEqual({ claim: 'fenced', raise: 'fenced', lower: 'admitted' });
  });

  it('refuses everything while another rollout holds the target, and names it', () => {
    expect(kinds(claim(8, foreign), order(20))).toEqual(all('fenced'));
    const answer = admit(claim(8, foreign), order(20), { direction: 'lower', done: false });
    expect(answer).toMatchObject({ fence: 8, sentence: 'it is held by rollout/production/shop (run run-9)' });
  });

  it('takes over the claim of a dead rollout only with the number that follows the one preflight read', () => {
    expect(kinds(claim(8, foreign), order(9))).toEqual({ claim: 'admitted', raise: 'fenced', lower: 'fenced' });
  });

  it('lets a later run of the same rollout lower: the id is the lock, so the former run has ended', () => {
    const former = claim(8, { run: 'run-0' });
    expect(kinds(former, order(12))).toEqual({ claim: 'fenced', raise: 'fenced', lower: 'admitted' });
  });

  it('never admits a number that another run has used', () => {
    expect(kinds(claim(8, foreign), order(8))).toEqual(all('fenced'));
    expect(kinds(claim(8, { ...foreign, released: true }), order(8))).toEqual(all('fenced'));
  });

  it('lets anybody claim what was released, with a larger fence; raising needs a claim first', () => {
    const released = claim(8, { ...foreign, released: true });
    expect(kinds(released, order(12))).toEqual({ claim: 'admitted', raise: 'fenced', lower: 'admitted' });
    expect(kinds(released, order(7))).toEqual(all('fenced'));
  });

  it('admits only what raises nothing where no claim stands any more', () => {
    expect(kinds(null, order(9), true)).toEqual({ claim: 'admitted', raise: 'fenced', lower: 'admitted' });
    const answer = admit(null, order(9), { direction: 'raise', done: false });
    expect(answer).toMatchObject({ fence: null, sentence: expect.stringContaining('forgot its fence') as string });
  });
});
