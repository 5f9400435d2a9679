import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decide, describe as describeRollout } from '../../client/index.ts';
import type { DecisionKind } from '../../approvals/request.ts';
import type { Status } from '../../plan/status.ts';
import { ask } from '../../testbed/servers/http.ts';
import { locate } from '../../testbed/servers/locate.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero } from './at-proxy.ts';
import { idOf, Rollouts } from './rollouts.ts';

const folder = temporaryFolder('messages');
let world: World;
let rollouts: Rollouts;

/** The services side by side, the tests of one service after each other. */
const inOrder = { concurrent: false };

const go = { id: 'go', at: 'start', require: [{ allOf: ['sre'] }], expires: '1h' };
const wide = (weight: string) => ({
  id: 'wide',
  at: 'before-step',
  steps: [weight],
  require: [{ onePer: ['sre', 'qa'] }],
  expires: '1h',
});

beforeAll(async () => {
  world = await startWorld({ folder, services: ['notes', 'calm', 'stairs', 'early', 'leaver', 'busy', 'free'] });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
}, 180_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const handleOf = (service: string) => rollouts.session.client.workflow.getHandle(idOf(service));

const isIgnoredWith = (reason: RegExp) => (status: Status) =>
  status.ignored.some((message) => reason.test(message.reason));

/** How often a workflow task of the rollout failed: a message that sticks a rollout fails it again and again. */
async function failedTasks(service: string): Promise<number> {
  const { taskAttempt } = await describeRollout(rollouts.session, idOf(service));
  const { events } = await handleOf(service).fetchHistory();
  const failed = (events ?? []).filter((event) => event.workflowTaskFailedEventAttributes != null);
  return failed.length + Math.max(0, taskAttempt - 1);
}

const unknown = (message: string) => ({ message, reason: expect.stringContaining('no such') as string });

/** A payload that only somebody else's codec could read. */
async function signalEncrypted(service: string): Promise<void> {
  const { client } = rollouts.session;
  const payload = { metadata: { encoding: Buffer.from('binary/encrypted') }, data: Buffer.from([0, 255, 17]) };
  await client.workflowService.signalWorkflowExecution({
    namespace: rollouts.session.namespace,
    workflowExecution: { workflowId: idOf(service) },
    signalName: 'decide',
    input: { payloads: [payload] },
  });
}

describe.concurrent('a message that does not count', () => {
  const service = 'notes';
  const steps = [
    { weight: '5%', bake: '1s' },
    { weight: '100%', bake: '1s' },
  ];

  it('is listed with its reason and told to its sender, whoever sends it', inOrder, async () => {
    await rollouts.start({ service, steps, gates: [go, wide('100%')] }, { requester: 'ana' });
    await rollouts.gate(service, 'go');
    const wrongRole = await rollouts.run('approve', service, 'go', '--by', 'quinn');
    expect([wrongRole.code, wrongRole.stdout]).toEqual([
      10,
      'approve go by quinn was ignored: quinn holds qa; gate go asks sre\n',
    ]);
    const unknownGate = await rollouts.run('approve', service, 'nosuch', '--by', 'sam', '--json');
    expect(unknownGate.code).toBe(9);
    const tooEarly = await rollouts.run('approve', service, 'wide@100%', '--by', 'sam');
    expect([tooEarly.code, tooEarly.stderr]).toEqual([9, 'sluice: gate wide@100% is not open; open now: go\n']);

    const otherPlan = `sha256:${'0'.repeat(64)}`;
    const answers = [
      [await rollouts.answer(service, 'go', 'sam', { gate: 'nosuch' }), 'no gate nosuch in this plan'],
      [await rollouts.answer(service, 'go', 'sam', { gate: 'wide@100%' }), 'gate wide@100% is not open yet'],
      [await rollouts.answer(service, 'go', 'sam', { planDigest: otherPlan }), 'different release or plan'],
      [await rollouts.answer(service, 'go', 'sam', { evidenceDigest: otherPlan }), 'not about the present evidence'],
      [await rollouts.answer(service, 'go', 'ana'), 'ana started this rollout and may not approve it'],
      [await rollouts.answer(service, 'go', 'mallory'), 'mallory is not in the directory'],
    ] as const;
    for (const [receipt, reason] of answers) {
      expect(receipt).toEqual({ outcome: 'ignored', reason: expect.stringContaining(reason) as string });
    }
    const { ignored, requests } = await rollouts.status(service);
    const reasons = ['quinn holds qa; gate go asks sre', ...answers.map(([, reason]) => reason)];
    expect(ignored.map(({ by }) => by)).toEqual(['quinn', 'sam', 'sam', 'sam', 'sam', 'ana', 'mallory']);
    expect(ignored.map(({ reason }) => reason)).toEqual(reasons.map((one) => expect.stringContaining(one) as string));
    expect(ignored.every(({ message }) => message === 'decide')).toBe(true);
    expect(requests).toMatchObject([{ gate: 'go', state: 'open', decisions: [] }]);
  });

  it('cannot stick the rollout, whatever it carries', inOrder, async () => {
    const before = (await rollouts.status(service)).ignored.length;
    const handle = handleOf(service);
    for (const payload of ['hello', 42, null, ['approve'], { decision: 'perhaps', gate: 'go', by: 'sam' }]) {
      await handle.signal('decide', payload);
    }
    await handle.signal('decide');
    await signalEncrypted(service);
    await handle.signal('decide', 'x'.repeat(1_000_000));
    await handle.signal('decide', { decision: 'approve', gate: 'y'.repeat(1_000_000), by: 'sam' });
    await handle.signal('resume', { by: { toString: 'z'.repeat(1_000_000) } });
    await handle.signal('no-such-message', { by: 'sam' });
    await handle.signal('__temporal_no_such_message', { by: 'sam' });
    for (const name of ['no-such-update', '__temporal_no_such_update']) {
      await expect(handle.executeUpdate(name, { args: [{ by: 'sam' }] })).rejects.toThrow(WorkflowUpdateFailedError);
    }
    const odd = { decision: 'perhaps' as DecisionKind };
    await expect(rollouts.answer(service, 'go', 'sam', odd)).rejects.toMatchObject({ code: 'rejected' });

    const all = (status: Status) => status.ignored.length >= before + 15;
    const { ignored, requests, phase } = await rollouts.until(service, 'all of them listed', all);
    const reasons = ignored.slice(before).map(({ reason }) => reason);
    expect(reasons).toHaveLength(15);
    expect(reasons.join('\n')).toMatch(/a string is no decision[^]*a number is no decision[^]*could not be decoded/);
    expect(Math.max(...ignored.map((message) => Buffer.byteLength(JSON.stringify(message))))).toBeLessThan(1_500);
    expect(ignored.every(({ reason }) => reason !== '' && Buffer.byteLength(reason) <= 1_024)).toBe(true);
    expect(ignored.slice(-5)).toMatchObject([
      ...['no-such-message', 'reserved: __temporal_no_such_message', 'no-such-update'].map(unknown),
      ...[unknown('reserved: __temporal_no_such_update'), { message: 'decide', by: 'unknown' }],
    ]);
    expect([phase, requests[0]?.state, requests[0]?.decisions]).toEqual(['awaiting-approval', 'open', []]);
    expect(await failedTasks(service)).toBe(0);
    expect(world.proxyWrites(service)).toEqual([]);
  });

  it(
    'leaves the gate to those who are asked: one answer twice is one answer, one too late is none',
    inOrder,
    async () => {
      const first = await rollouts.gate(service, 'go');
      expect(await rollouts.answer(service, 'go', 'sam')).toMatchObject({ outcome: 'recorded', state: 'approved' });
      const { evidenceDigest } = await rollouts.gate(service, 'wide@100%');
      const late = await rollouts.run('approve', service, 'go', '--by', 'sam');
      expect([late.code, late.stderr]).toEqual([10, 'sluice: gate go is closed: nothing was sent\n']);
      const no = { gate: 'go', decision: 'reject', reason: 'too late', evidenceDigest: first.evidenceDigest } as const;
      expect(await rollouts.answer(service, 'wide@100%', 'sam', no)).toEqual({
        outcome: 'ignored',
        reason: 'gate go is closed: the rollout has moved on; pause or abort it instead',
      });

      expect(await rollouts.answer(service, 'wide@100%', 'sam')).toMatchObject({ outcome: 'recorded', state: 'open' });
      const twice = await rollouts.run('approve', service, 'wide@100%', '--by', 'sam', '--json');
      expect(twice.code).toBe(0);
      expect(JSON.parse(twice.stdout)).toMatchObject({ receipt: { outcome: 'duplicate', state: 'open' } });
      const asked = await rollouts.until(service, 'duplicate listed', isIgnoredWith(/^duplicate/));
      expect(asked.requests.find(({ gate }) => gate === 'wide@100%')?.decisions).toHaveLength(1);
      expect(world.weightsSeenByProxy(service)).toEqual([500]);

      expect((await rollouts.run('approve', service, 'wide@100%', '--by', 'quinn')).code).toBe(0);
      expect((await rollouts.ended(service)).outcome).toBe('completed');
      expect(world.weightsSeenByProxy(service)).toEqual([500, 10_000]);
      expect(await failedTasks(service)).toBe(0);

      expect((await rollouts.run('approve', service, 'go', '--by', 'sam')).code).toBe(14);
      const { planDigest } = await rollouts.status(service);
      const message = { decision: 'approve', gate: 'go', by: 'sam', planDigest, evidenceDigest } as const;
      const afterwards = decide(rollouts.session, idOf(service), {
        ...message,
        reason: null,
        soakMs: null,
        signature: null,
      });
      await expect(afterwards).rejects.toMatchObject({ code: 'finished' });
    },
  );
});

describe.concurrent('a pause', () => {
  const service = 'calm';

  it('keeps weight and bake clock where they are until somebody known resumes', inOrder, async () => {
    world.load(service, { ratePerSecond: 60, maxSeconds: 240 });
    const steps = [
      { weight: '5%', bake: '8s..90s' },
      { weight: '25%', bake: '60s..90s' },
      { weight: '100%', bake: '1s' },
    ];
    await rollouts.start({ service, steps, judged: true });
    await rollouts.baking(service, 500);
    expect(await rollouts.order(service, 'pause')).toMatchObject({
      ...{ message: 'pause', by: 'olga', state: 'confirmed', fromBp: 500 },
      detail: 'stays at 5%, was baking; the bake clock stands',
    });

    const looks: { at: number; validMs: number }[] = [];
    await rollouts.until(service, 'three polls in the pause', ({ bake, paused }) => {
      const since = (paused?.since ?? Infinity) + 6_000; // heartbeats carry the news: the watch has heard of the pause by then
      if (bake?.state === 'stopped' && bake.at > since && bake.at !== looks.at(-1)?.at) looks.push(bake);
      return looks.length >= 3;
    });
    expect(new Set(looks.map(({ validMs }) => validMs)).size).toBe(1);
    expect(looks[0]?.validMs).toBeLessThan(8_000);

    const again = await rollouts.run('pause', service, '--by', 'sam');
    expect([again.code, again.stdout]).toEqual([10, expect.stringContaining('already paused by olga')]);
    const stranger = await rollouts.run('resume', service, '--by', 'mallory');
    expect([stranger.code, stranger.stdout]).toEqual([
      10,
      expect.stringContaining('the directory does not know mallory'),
    ]);
    expect(await rollouts.status(service)).toMatchObject({ phase: 'paused', weights: { acceptedBp: 500 } });
    expect(world.weightsSeenByProxy(service)).toEqual([500]);

    const resumed = await rollouts.run('resume', service, '--by', 'olga', '--json');
    expect(resumed.code).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ receipt: { message: 'resume', state: 'confirmed' } });
    await rollouts.baking(service, 2_500);
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500]);
  });

  it('does not stop the way back: what breaches meanwhile still goes back', inOrder, async () => {
    await rollouts.order(service, 'pause');
    await world.setFaults(service, 'v2', { errorRate: 0.5 });
    const { outcome, reason } = await rollouts.ended(service);
    expect([outcome, reason]).toEqual(['rolled-back', expect.stringContaining('criterion errors failed')]);
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 0]);
    expect(await canaryRequestsAfterZero(world, service)).toBe(0);
  });
});

describe.concurrent('a step back', () => {
  it('lowers at once, stays paused, takes the open gate away, and asks the gates above again', inOrder, async () => {
    const service = 'stairs';
    const steps = [
      { weight: '5%', bake: '1s' },
      { weight: '25%', bake: '1s..90s' },
      { weight: '100%', bake: '1s' },
    ];
    const sre = { ...wide('25%'), steps: ['25%', '100%'], require: [{ atLeast: 1, of: 'sre' }] };
    await rollouts.start({ service, steps, gates: [sre] });
    await rollouts.answer(service, 'wide@25%', 'ana');
    const open = await rollouts.gate(service, 'wide@100%');

    const above = await rollouts.run('step-back', service, '--to', '100%', '--by', 'olga');
    expect([above.code, above.stdout]).toEqual([10, expect.stringContaining('100% is not below the present step')]);
    const back = await rollouts.run('step-back', service, '--to', '5%', '--by', 'olga', '--json');
    expect(back.code).toBe(0);
    expect(JSON.parse(back.stdout)).toMatchObject({
      receipt: { message: 'step-back', by: 'olga', fromBp: 2_500, state: 'confirmed' },
    });
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 500]);
    const stood = await rollouts.status(service);
    expect(stood).toMatchObject({ phase: 'paused', step: 0, weights: { requestedBp: 500, acceptedBp: 500 } });
    expect(stood.requests.filter(({ state }) => state === 'open')).toEqual([]);
    const { planDigest } = stood;
    const message = { decision: 'approve', gate: 'wide@100%', by: 'ana', planDigest, reason: null } as const;
    const { evidenceDigest } = open;
    const late = { ...message, evidenceDigest, soakMs: null, signature: null };
    expect(await decide(rollouts.session, idOf(service), late)).toMatchObject({ outcome: 'ignored' });

    expect((await rollouts.run('resume', service, '--by', 'olga')).code).toBe(0);
    expect(await rollouts.gate(service, 'wide@25%')).toMatchObject({ evidenceRevision: 2, decisions: [] });
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 500]);
    await rollouts.answer(service, 'wide@25%', 'sam');
    const again = await rollouts.gate(service, 'wide@100%');
    expect(again.evidenceRevision).toBeGreaterThan(open.evidenceRevision);
    await rollouts.order(service, 'abort');
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 500, 2_500, 0]);
  });
});

const longSteps = [
  { weight: '5%', bake: '60s..90s' },
  { weight: '100%', bake: '1s' },
];

describe.concurrent('an end by people before there is traffic', () => {
  const service = 'early';
  const steps = longSteps;

  it('at a gate leaves nothing behind: aborted, exit code 5', inOrder, async () => {
    const gates = [{ ...wide('5%'), require: [{ atLeast: 2, of: 'sre' }] }];
    const waiting = rollouts.sluice([...rollouts.startLine({ service, steps, gates }), '--wait']);
    await rollouts.gate(service, 'wide@5%');
    expect((await world.service(service).slotStates())['b']).toMatchObject({ state: 'running' });
    expect((await rollouts.run('abort', service, '--by', 'olga', '--reason', 'not today')).code).toBe(0);
    expect((await waiting).code).toBe(5);
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'aborted' });
    expect(world.weightsSeenByProxy(service)).toEqual([]);
    expect((await world.service(service).slotStates())['b']).toMatchObject({ state: 'stopped' });
  });

  it('counts an approval that the printed line sends by the Temporal command itself', inOrder, async () => {
    const gates = [{ ...go, require: [{ atLeast: 2, of: 'sre' }] }];
    await rollouts.start({ service, steps, gates });
    await rollouts.gate(service, 'go');
    const printed = await rollouts.run(
      'approve',
      service,
      'go',
      '--by',
      'ana',
      '--reason',
      "it's 5 o'clock $HOME",
      '--print',
    );
    expect(printed.code).toBe(0);
    expect((await rollouts.status(service)).requests[0]?.decisions).toEqual([]);
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    symlinkSync(await locate('temporal'), join(bin, 'temporal'));
    const env = { ...process.env, ...world.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
    await promisify(execFile)('sh', ['-c', printed.stdout], { env });
    const counted = await rollouts.until(
      service,
      'approval by hand',
      ({ requests }) => requests[0]?.decisions.length === 1,
    );
    expect(counted.requests[0]).toMatchObject({
      ...{ state: 'open', missingRoles: ['sre'] },
      decisions: [{ person: 'ana', kind: 'approve', reason: "it's 5 o'clock $HOME", void: null }],
    });
    await rollouts.order(service, 'abort');
    expect((await rollouts.ended(service)).outcome).toBe('aborted');
  });

  it('comes by itself when nobody answers the first gate in time', inOrder, async () => {
    const gates = [{ ...go, expires: '3s', onExpiry: 'abort' }];
    const { code } = await rollouts.sluice([...rollouts.startLine({ service, steps, gates }), '--wait']);
    expect(code).toBe(5);
    expect(await rollouts.ended(service)).toMatchObject({
      outcome: 'aborted',
      reason: 'nobody completed gate go within 3s',
    });
    expect(world.weightsSeenByProxy(service)).toEqual([]);
  });
});

describe.concurrent('an end by people', () => {
  const service = 'leaver';
  const steps = longSteps;

  it('in a bake goes back to zero first: the receipt names the weight that it left', inOrder, async () => {
    world.load(service, { ratePerSecond: 60, maxSeconds: 240 });
    await rollouts.start({ service, steps });
    await rollouts.baking(service, 500);
    const abort = await rollouts.run('abort', service, '--by', 'olga', '--reason', 'logins are slow', '--json');
    expect(abort.code).toBe(0);
    expect(JSON.parse(abort.stdout)).toMatchObject({
      receipt: { message: 'abort', fromBp: 500, state: 'confirmed', detail: 'zero confirmed, down from 5%' },
    });
    expect(world.weightsSeenByProxy(service)).toEqual([500, 0]);
    expect(await rollouts.ended(service)).toMatchObject({
      outcome: 'rolled-back',
      reason: 'aborted by olga: logins are slow',
    });
    expect(await canaryRequestsAfterZero(world, service)).toBe(0);
    expect((await rollouts.run('watch', service)).code).toBe(4);
  });

  it("is the same when it is Temporal's own cancel", inOrder, async () => {
    await rollouts.start({ service, steps }, { label: 'v3' });
    await rollouts.baking(service, 500);
    await handleOf(service).cancel();
    const { outcome, reason, receipts } = await rollouts.ended(service);
    expect([outcome, reason]).toEqual(['rolled-back', 'cancelled through Temporal']);
    expect(receipts).toMatchObject([{ message: 'cancel', state: 'confirmed', fromBp: 500 }]);
    expect(world.weightsSeenByProxy(service)).toEqual([500, 0, 500, 0]);
    expect(await canaryRequestsAfterZero(world, service, 'v3')).toBe(0);
  });

  it('by a no in the middle goes back', inOrder, async () => {
    const short = [
      { weight: '25%', bake: '1s' },
      { weight: '100%', bake: '1s' },
    ];
    await rollouts.start({ service, steps: short, gates: [wide('100%')] }, { label: 'v4' });
    await rollouts.gate(service, 'wide@100%');
    const mute = await rollouts.run('reject', service, 'wide@100%', '--by', 'quinn');
    expect(mute.code).toBe(2);
    const no = await rollouts.run('reject', service, 'wide@100%', '--by', 'quinn', '--reason', 'not yet', '--json');
    expect(no.code).toBe(0);
    expect(JSON.parse(no.stdout)).toMatchObject({ receipt: { outcome: 'recorded', state: 'rejected' } });
    expect(await rollouts.ended(service)).toMatchObject({
      outcome: 'rolled-back',
      reason: 'quinn rejected gate wide@100%: not yet',
    });
    expect(world.weightsSeenByProxy(service)).toEqual([500, 0, 500, 0, 2_500, 0]);
  });

  it('while watching after promotion gives the old release all traffic back', inOrder, async () => {
    await rollouts.start({ service, steps: [{ weight: '100%', bake: '1s' }], watch: '10m' }, { label: 'v5' });
    await rollouts.until(service, 'watch', ({ phase }) => phase === 'watching');
    expect(world.weightsSeenByProxy(service).at(-1)).toBe(10_000);
    expect(await rollouts.order(service, 'abort')).toMatchObject({ state: 'confirmed', fromBp: 10_000 });
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
    expect(await canaryRequestsAfterZero(world, service, 'v5')).toBe(0);
    const { host } = world.service(service);
    const answer = await ask(`${world.publicUrl}/api/whoami`, { headers: { host } });
    expect(JSON.parse(answer.body)).toMatchObject({ release: 'v1' });
  });
});

describe.concurrent('a second rollout', () => {
  const service = 'busy';
  const steps = [
    { weight: '5%', bake: '1s' },
    { weight: '100%', bake: '1s' },
  ];

  it('of the same service is refused and names the running one', inOrder, async () => {
    await rollouts.start({ service, steps, gates: [wide('100%')] });
    await rollouts.gate(service, 'wide@100%');
    const second = await rollouts.sluice(rollouts.startLine({ service, steps }, { label: 'v3', requester: 'sam' }));
    expect(second.code).toBe(8);
    expect(second.stderr).toMatch(/^sluice: demo\/busy is already running with release v2, .*started by rita\n/);
  });

  it('of another service behind the same proxy is not disturbed by it', inOrder, async () => {
    await rollouts.start({ service: 'free', steps, gates: [go] });
    await rollouts.gate('free', 'go');
    await rollouts.order('free', 'abort');
    expect((await rollouts.ended('free')).outcome).toBe('aborted');
  });

  it('of another service on the same route is refused by the claim and names the holder', inOrder, async () => {
    const twin = { service: 'twin', route: 'busy', steps };
    const refused = await rollouts.sluice(rollouts.startLine(twin, { label: 'v3', requester: 'sam' }));
    expect(refused.code).toBe(3);
    expect(`${refused.stdout}${refused.stderr}`).toContain('the target is held by rollout/demo/busy, which is running');
    expect(await rollouts.ended('twin')).toMatchObject({ outcome: 'refused' });
    expect(world.weightsSeenByProxy(service)).toEqual([500]);
    expect(world.proxyWrites(service).every(({ claim }) => claim?.rollout === idOf(service))).toBe(true);

    await rollouts.order(service, 'abort');
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
    const listed = async () => {
      const { stdout } = await rollouts.sluice(['list', '--open', '--service', service, '--json']);
      return (JSON.parse(stdout) as unknown[]).length === 0;
    };
    await waitFor(listed, { for: 'the list to be without it', everyMs: 200 }); // visibility lags
  });
});
