import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeRequest, expire, openRequest, worsen } from '../../approvals/request-life.ts';
import { quorum } from '../../approvals/quorum.ts';
import type { ApprovalRequest, DecisionReceipt } from '../../approvals/request.ts';
import {
  allOf,
  asked,
  atLeast,
  evidence,
  gateOf,
  hour,
  onePer,
  opened,
  otherPlanDigest,
  proofOf,
  reject,
  requester,
  say,
  strict,
  withdraw,
  type Say,
} from './given.ts';

const ana = proofOf('ana', 'sre');
const ben = proofOf('ben', 'qa');
const both = asked(allOf('sre', 'qa'));

function reasonOf(receipt: DecisionReceipt): string {
  return receipt.outcome === 'ignored' ? receipt.reason : `(${receipt.outcome})`;
}

describe('an approval', () => {
  it('is recorded, tells who is still missing, and the last one approves the gate', () => {
    const first = say(both, ana);
    expect(first.receipt).toEqual({ outcome: 'recorded', gate: 'go', state: 'open', missing: '1 of qa' });
    const last = say(first.request, ben);
    expect(last.receipt).toEqual({ outcome: 'recorded', gate: 'go', state: 'approved', missing: '' });
  });

  it('does not change the request it is given', () => {
    const before = JSON.stringify(both);
    say(both, ana);
    expect(JSON.stringify(both)).toBe(before);
  });

  it('counts once, however often it is delivered, also when it closed the gate', () => {
    const once = say(asked(allOf('sre')), ana).request;
    const again = say(once, ana);
    expect(again.receipt).toEqual({ outcome: 'duplicate', gate: 'go', state: 'approved', missing: '' });
    expect(again.request).toBe(once);
  });

  it.each([
    ['one of each', onePer('sre', 'qa')],
    ['all of', allOf('sre', 'qa')],
  ])('of one person with two roles fills one of them, and says so when asked for %s (T-34)', (_, clause) => {
    const twice = asked(clause);
    const anaBoth = proofOf('ana', 'sre', 'qa');
    const once = say(twice, anaBoth).request;
    expect(say(once, anaBoth).receipt).toMatchObject({
      outcome: 'duplicate',
      state: 'open',
      missing: '1 of qa or sre (distinct people required: ana is counted once)',
    });
    const other = say(asked(onePer('sre', 'qa')), ana).request;
    expect(say(other, ana).receipt).toMatchObject({ outcome: 'duplicate', missing: '1 of qa' });
  });
});

describe('what does not count, and why', () => {
  const cases: [string, ApprovalRequest, Parameters<typeof say>[1], Say, RegExp][] = [
    ['another plan', both, ana, { over: { planDigest: otherPlanDigest } }, /^different release or plan/],
    ['a reject for another plan', both, ana, { over: { ...reject.over, planDigest: otherPlanDigest } }, /^different/],
    ['another gate', both, ana, { over: { gate: 'final' } }, /for gate go, not final/],
    ['other evidence', both, ana, { over: { evidenceDigest: 'sha256:00' } }, /at revision 1, sha256:[0-9a-f]{64}$/],
    ['somebody unknown', both, { ...ana, known: false, roles: [] }, {}, /ana is not in the directory/],
    ['somebody in another role', both, proofOf('dev', 'dev'), {}, /dev holds dev; gate go asks sre, qa/],
    ['somebody without a role', both, proofOf('dev'), {}, /dev holds no role/],
    ['the requester', both, proofOf(requester, 'sre'), {}, /rita started this rollout and may not approve it/],
    ['a gate that asks nobody', asked(), ana, {}, /gate go asks nobody/],
    ['a late one', both, ana, { now: opened + 24 * hour }, /expired at 2026-11-23T10:00:00Z/],
    ['one that was given up', both, ana, { over: { validUntil: opened }, now: opened + 1 }, /valid until 2026-11-22/],
    ['nothing to withdraw', both, ana, withdraw, /ana has no approval at gate go to withdraw/],
    ['a reject without a reason', both, ana, { over: { decision: 'reject' } }, /needs a reason/],
    ['more-soak without a duration', both, ana, { over: { decision: 'more-soak' } }, /needs a duration/],
    ['one after the end', expire(both), ana, {}, /gate go is closed: it expired/],
    ['one after the rollout moved on', closeRequest(both), ana, reject, /moved on; pause or abort/],
  ];

  it.each(cases)('%s', (_, request, proof, how, reason) => {
    const { receipt, request: after } = say(request, proof, how);
    expect(reasonOf(receipt)).toMatch(reason);
    expect(after).toBe(request);
  });

  it('a second approval by somebody who is not needed any more', () => {
    const done = say(asked(atLeast(1, 'sre')), ana).request;
    expect(reasonOf(say(done, proofOf('eve', 'sre')).receipt)).toBe('gate go is already approved');
  });
});

describe('no', () => {
  it('wins over every yes, the last one too, until the effect starts', () => {
    const approved = say(say(both, ana).request, ben).request;
    const rejected = say(approved, proofOf('eve', 'qa'), reject);
    expect(rejected.receipt).toMatchObject({ outcome: 'recorded', state: 'rejected' });
    expect(reasonOf(say(rejected.request, proofOf('fay', 'sre')).receipt)).toBe('gate go is closed: it was rejected');
  });

  it('is taken from the requester too, and without digests', () => {
    const how: Say = { over: { ...reject.over, planDigest: '', evidenceDigest: '' } };
    expect(say(both, proofOf(requester, 'sre'), how).receipt).toMatchObject({ state: 'rejected' });
  });

  it('is not taken from somebody whom the gate does not ask', () => {
    expect(say(both, proofOf('dev', 'dev'), reject).request.state).toBe('open');
  });
});

describe('a change of mind', () => {
  it('withdraws the own approval and opens an approved gate again', () => {
    const approved = say(asked(atLeast(1, 'sre')), ana).request;
    const back = say(approved, ana, withdraw);
    expect(back.receipt).toEqual({ outcome: 'recorded', gate: 'go', state: 'open', missing: '1 of sre' });
    expect(say(back.request, ana, withdraw).receipt.outcome).toBe('duplicate');
    expect(say(back.request, ana).receipt).toMatchObject({ outcome: 'recorded', state: 'approved' });
  });

  it('asks for more soak, which takes the own approval back and stays on record', () => {
    const first = say(both, ana).request;
    const more = say(first, ana, { over: { decision: 'more-soak', soakMs: hour } });
    expect(more.receipt).toMatchObject({ outcome: 'recorded', state: 'open', missing: '1 of sre, 1 of qa' });
    expect(more.request.decisions.at(-1)).toMatchObject({ kind: 'more-soak', soakMs: hour, person: 'ana' });
  });
});

describe('worse evidence', () => {
  const worse = evidence({ at: opened + hour, worseBecause: 'criterion errors left pass' });

  it('opens the next revision, voids what was said about the one before and asks again', () => {
    const approved = say(say(both, ana).request, ben).request;
    const again = worsen(approved, worse);
    expect(again).toMatchObject({ state: 'open', evidence: { revision: 2, digest: worse.digest } });
    expect(again.decisions.map((one) => one.void)).toEqual([
      'evidence 1 was replaced: criterion errors left pass',
      'evidence 1 was replaced: criterion errors left pass',
    ]);
    expect(quorum(again, strict, requester).missingText).toBe('1 of sre, 1 of qa');
    expect(again.expiresAt).toBe(opened + 25 * hour);
    expect(say(again, ana).receipt).toMatchObject({ outcome: 'recorded', missing: '1 of qa' });
  });

  it('makes an approval of the old revision name the new one', () => {
    const again = worsen(both, worse);
    const late = say(again, ana, { over: { evidenceDigest: both.evidence.digest } });
    expect(reasonOf(late.receipt)).toBe(
      `not about the present evidence: gate go is at revision 2, ${again.evidence.digest}`,
    );
  });

  it('does not count what was said about another revision, nor what is void for any other reason', () => {
    const [decision] = say(both, ana).request.decisions;
    if (decision === undefined) throw new Error('nothing was recorded');
    for (const spoilt of [
      { ...decision, evidenceRevision: 2 },
      { ...decision, void: 'left the team' },
    ]) {
      expect(quorum({ ...both, decisions: [spoilt] }, strict, requester).missingText).toBe('1 of sre, 1 of qa');
    }
  });

  it('gives no more time to a request that nobody has answered in full', () => {
    expect(worsen(both, worse).expiresAt).toBe(both.expiresAt);
  });

  it('changes nothing once a request has ended', () => {
    const ended = say(both, ana, reject).request;
    expect(worsen(ended, worse)).toBe(ended);
    expect(worsen(expire(both), worse).state).toBe('expired');
  });

  it('cannot close a gate that asks nobody', () => {
    expect(worsen(asked(), worse).state).toBe('approved');
  });
});

// ── Whatever is sent, in whatever order ──────────────────────────────────────────────────────────────────────────────

const sender = fc.constantFrom(ana, ben, proofOf('cid', 'sre', 'qa'), proofOf('dev', 'dev'), proofOf(requester, 'sre'));
const what = fc.constantFrom<Say>({}, {}, {}, withdraw, reject, { over: { decision: 'more-soak', soakMs: hour } });
const when = fc.constantFrom(opened + 1, opened + 25 * hour);
const message = fc.record({ proof: sender, how: what, now: when });
const conversation = fc.array(message, { maxLength: 80 });

describe('any conversation', () => {
  it('is approved only while the present approvals satisfy the gate, and keeps a bounded record', () => {
    fc.assert(
      fc.property(conversation, (messages) => {
        let request = openRequest(gateOf(onePer('sre', 'qa')), evidence(), opened);
        for (const { proof, how, now } of messages) request = say(request, proof, { ...how, now }).request;
        const rejected = request.decisions.some((one) => one.kind === 'reject');
        expect(request.state === 'rejected').toBe(rejected);
        if (!rejected) expect(request.state === 'approved').toBe(quorum(request, strict, requester).satisfied);
        expect(request.decisions.length).toBeLessThanOrEqual(32);
        const yes = request.decisions.filter((one) => one.kind === 'approve');
        expect(yes.every((one) => one.at < request.expiresAt)).toBe(true);
      }),
    );
  });

  it('of approvals alone ends the same in every order', () => {
    const approvals = fc.uniqueArray(sender, { selector: (proof) => proof.person });
    const orders = approvals.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(orders, ([one, other]) => {
        const [first, second] = [one, other].map((order) => {
          let request = asked(atLeast(2, 'sre'));
          for (const proof of order) request = say(request, proof).request;
          return request.state;
        });
        expect(second).toBe(first);
      }),
    );
  });

  it('forgets nothing that still counts when one sender talks without end', () => {
    let request = say(both, ben).request;
    for (let turn = 0; turn < 200; turn++) request = say(request, ana, turn % 2 === 0 ? {} : withdraw).request;
    expect(request.decisions.length).toBeLessThanOrEqual(32);
    expect(quorum(request, strict, requester).missingText).toBe('1 of sre');
  });
});
