import { afterEach, describe, expect, test } from 'vitest';
import { ClientError } from '../../client/errors.ts';
import { connect, type Session } from '../../client/session.ts';
import type { Version } from '../../client/versions.ts';
import { ask } from '../../client/status.ts';
import { explainQuery } from '../../workflows/messages.ts';
import { loopbackTemporal, type QueryAnswer } from './loopback-temporal.ts';

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Asks a server that gives these answers one after the other, and the last one for ever. */
async function asked(answers: readonly QueryAnswer[], polledAgoMs = 1_000, pinnedTo: Version | null = null) {
  let tries = 0;
  const next = () => answers[Math.min(tries++, answers.length - 1)] as QueryAnswer;
  const server = await loopbackTemporal(next, Date.now() - polledAgoMs);
  stops.push(server.stop);
  const session: Session = await connect({ address: server.address, taskQueue: 'sluice' });
  stops.push(() => session.close());
  const run = { rollout: 'rollout/production/web', run: 'run-1', taskQueue: 'sluice', pinnedTo, open: true };
  const answer = await ask(session, run, explainQuery).catch((error: unknown) => error);
  return { answer, tries };
}

const [cancelled, deadlineExceeded, failedPrecondition] = [1, 4, 9];
const late = { code: deadlineExceeded, message: 'query timed out before a worker could process it' };

describe('a query', () => {
  test.each([
    ['is late', [late, { json: 'here' }]],
    ['is withdrawn', [{ code: cancelled, message: 'context canceled' }, { json: 'here' }]],
    ['went to a worker that was killed', ['silence', { json: 'here' }]],
  ] as const)('that %s is asked again, and answered', async (_, answers) => {
    expect(await asked(answers)).toEqual({ answer: 'here', tries: 2 });
  });

  test('that nobody answers ends in one sentence, after some tries', async () => {
    const { answer, tries } = await asked([late]);
    expect(answer).toBeInstanceOf(ClientError);
    expect((answer as ClientError).message).toBe(
      'no worker answers on task queue "sluice": one polled lately, but none answered within 6 s; see that it runs: `sluice worker --config FILE`',
    );
    expect(tries).toBeGreaterThan(1);
  });

  test('that no poller is there for is not taken for a stuck rollout', async () => {
    const message = 'no poller seen for task queue recently, worker may be down';
    expect((await asked([{ code: failedPrecondition, message }])).answer).toMatchObject({ code: 'no-worker' });
  });

  test('of a rollout that is pinned to a build without workers says so, and how to move it', async () => {
    const { answer, tries } = await asked([{ json: 'here' }], 1_000, { deployment: 'sluice', build: 'old' });
    expect((answer as ClientError).message).toBe(
      'no worker answers on task queue "sluice": rollout/production/web is pinned to build old of "sluice", of which none answers; start one, or move it to the current build: temporal workflow update-options -w rollout/production/web --versioning-override-behavior auto_upgrade',
    );
    expect(tries).toBe(0);
  });

  test('is not sent where the last worker is long gone', async () => {
    const { answer, tries } = await asked([{ json: 'here' }], 120_000);
    expect(answer).toMatchObject({ code: 'no-worker' });
    expect(tries).toBe(0);
  });

  test('of a stuck rollout is not asked again', async () => {
    const { answer, tries } = await asked([{ code: failedPrecondition, message: 'Workflow Task in failed state' }]);
    expect((answer as ClientError).message).toContain('cannot answer: Workflow Task in failed state');
    expect(tries).toBe(1);
  });
});
