import { describe, expect, it } from 'vitest';
import { blocking, closeRequest, expire, freezeEvidence, openRequest } from '../../approvals/request-life.ts';
import { satisfiable } from '../../approvals/satisfiable.ts';
import {
  allOf,
  anyOf,
  asked,
  atLeast,
  evidence,
  gateOf,
  hour,
  loose,
  onePer,
  opened,
  proofOf,
  requester,
  say,
  strict,
} from './given.ts';

describe('a request', () => {
  it('opens with its time of expiry, and is approved at once when it asks nobody', () => {
    expect(asked(allOf('sre'))).toMatchObject({ state: 'open', openedAt: opened, expiresAt: opened + 24 * hour });
    expect(asked().state).toBe('approved');
  });

  it('freezes evidence under a digest that changes with every fact', () => {
    const first = evidence();
    expect(first.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(freezeEvidence(structuredClone(first.facts), 3).digest).toBe(first.digest);
    expect(evidence({ acceptedBp: 101 }).digest).not.toBe(first.digest);
  });

  it('expires only while it is open', () => {
    expect(expire(asked(allOf('sre'))).state).toBe('expired');
    const approved = say(asked(allOf('sre')), proofOf('ana', 'sre')).request;
    expect(expire(approved)).toBe(approved);
    expect(expire(closeRequest(approved)).state).toBe('closed');
  });
});

describe('what blocks', () => {
  it('is every open request, oldest first, with who can unblock it', () => {
    const later = openRequest({ ...gateOf(onePer('lead', 'qa')), id: 'legal' }, evidence(), opened + 1);
    const waiting = say(asked(allOf('sre', 'qa')), proofOf('ana', 'sre')).request;
    expect(blocking([later, waiting, asked()], strict, requester)).toEqual([
      {
        gate: 'go',
        state: 'open',
        missing: '1 of qa',
        missingRoles: ['qa'],
        expiresAt: opened + 24 * hour,
        onExpiry: 'abort',
      },
      expect.objectContaining({ gate: 'legal', missing: '1 of lead, 1 of qa' }),
    ]);
  });
});

describe('whether a gate could ever be satisfied', () => {
  const people = { sre: ['ana', 'ben'], qa: ['ana'], legal: [] };

  it('is so when there are enough distinct people', () => {
    expect(satisfiable([onePer('sre', 'qa')], people, strict, requester)).toEqual([]);
    expect(satisfiable([anyOf('legal', 'qa')], people, strict, requester)).toEqual([]);
  });

  it('is not with a role that nobody holds, known or not', () => {
    expect(satisfiable([allOf('sre', 'legal')], people, strict, requester)).toEqual([
      'role legal has no members in the directory',
    ]);
    expect(satisfiable([atLeast(1, 'constructor')], people, strict, requester)).toEqual([
      'role constructor has no members in the directory',
    ]);
  });

  it('is not when the same people would have to count twice', () => {
    expect(satisfiable([atLeast(2, 'sre'), allOf('qa')], people, strict, requester)).toEqual([
      'not enough people: 1 more of qa or sre needed, without rita who starts it, each person counted once',
    ]);
    expect(satisfiable([atLeast(2, 'sre'), allOf('qa')], people, loose, requester)).toEqual([]);
  });

  it('is not when only the requester is left', () => {
    expect(satisfiable([allOf('qa')], people, strict, 'ana')).toEqual([
      'not enough people: 1 more of qa needed, without ana who starts it, each person counted once',
    ]);
  });
});
