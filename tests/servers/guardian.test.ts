import { defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import { NativeConnection, Worker as TemporalWorker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describe as describeRollout } from '../../client/index.ts';
import type { Status } from '../../plan/status.ts';
import type { Notice } from '../../providers/ports.ts';
import { inProject } from '../../testbed/root.ts';
import { ask } from '../../testbed/servers/http.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import type { Worker } from '../../testbed/world/commands.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { createMetrics } from '../../worker/metrics.ts';
import { listen, type Loopback } from '../providers/loopback.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero, splitNow } from './at-proxy.ts';
import { buildWith } from './builds.ts';
import { idOf, patienceMs, Rollouts } from './rollouts.ts';

const folder = temporaryFolder('guardian');
let people: Loopback;
let world: World;
let rollouts: Rollouts;
let worker: Worker;

const steps = ['5%', '100%'].map((weight) => ({ weight, bake: '2s..60s' }));
const parts = { guardian: { every: '1s', pageAfter: '2s', revertAfter: '6s' } };
const stepsBp = [500, 10_000];
const go = { id: 'go', at: 'start', require: [{ allOf: ['sre'] }], expires: '1h' };
const wide = { id: 'wide', at: 'before-step', steps: ['100%'], require: [{ allOf: ['sre'] }], expires: '1h' };

beforeAll(async () => {
  people = await listen(() => ({ status: 204 }));
  const services = [
    'ended',
    'early',
    'watched',
    'mine',
    'cancelled',
    'blind',
    'stuck',
    'idle',
    'failed',
    'pinned',
    'unborn',
    'expired',
  ];
  world = await startWorld({ folder, services, notify: people.url });
  rollouts = await Rollouts.of(world);
  worker = await world.startWorker({ parts });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
  await people.stop();
});

const told = (service: string): readonly Notice[] =>
  people.asked.map(({ body }) => JSON.parse(body) as Notice).filter(({ rollout }) => rollout === idOf(service));

const terminate = async (service: string, reason: string): Promise<string> => {
  const { run } = await describeRollout(rollouts.session, idOf(service));
  await rollouts.session.client.workflow.getHandle(idOf(service), run).terminate(reason);
  return run;
};

/** What a run of it was started with. */
const inputOf = async (service: string): Promise<unknown> => {
  const [started] = (await rollouts.session.client.workflow.getHandle(idOf(service)).fetchHistory()).events ?? [];
  const input = started?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  if (input == null) throw new Error('it was started with nothing');
  return defaultPayloadConverter.fromPayload(input);
};

/** All runs of a service that Temporal knows, by type. */
const runsOf = async (service: string): Promise<readonly string[]> => {
  const types: string[] = [];
  const query = `WorkflowId = '${idOf(service)}'`;
  for await (const { type } of rollouts.session.client.workflow.list({ query })) types.push(type);
  return types.sort();
};

/** Every guardian has looked at everything since. */
const looks = async (times: number): Promise<void> => {
  const lookedAt = async () => {
    const { body } = await ask(`${worker.url}/metrics`);
    return Number(/^sluice_guardian_last_look_timestamp_seconds (\S+)$/m.exec(body)?.[1] ?? 0);
  };
  for (let left = times; left > 0; left -= 1) {
    const before = await lookedAt();
    const hasLooked = async () => (await lookedAt()) > before;
    await waitFor(hasLooked, { for: 'another look', withinMs: patienceMs, everyMs: 200 });
  }
};

/** The status of the run that came after `run`, once it has ended. */
const endedAfter = (service: string, run: string): Promise<Status> =>
  waitFor(
    async () => {
      const latest = await describeRollout(rollouts.session, idOf(service));
      return latest.run === run || latest.open ? null : rollouts.ended(service);
    },
    { for: `the revert of ${service}`, withinMs: patienceMs, everyMs: 200 },
  );

describe('sluice setup', () => {
  it('makes the guardian, once; doctor says when it looked', async () => {
    const before = await rollouts.sluice(['doctor']);
    expect(before.stdout).toMatch(/✗ guardian +missing: there is no Schedule; `\S*sluice setup` creates it/);
    expect((await rollouts.sluice(['setup'])).stdout).toMatch(/schedule guardian\/sluice created/);
    expect((await rollouts.sluice(['setup'])).stdout).toMatch(/schedule guardian\/sluice present/);
    const looked = async () => /✓ guardian .*looked .* ago/.test((await rollouts.sluice(['doctor'])).stdout);
    await waitFor(looked, { for: 'the first look', withinMs: patienceMs, everyMs: 500 });
  });

  it('leaves room for a second guardian: the id of the rollout is the lock between the two', async () => {
    const { client, taskQueue } = rollouts.session;
    const second = await client.workflow.start('guardian', { workflowId: 'a-second-guardian', taskQueue, args: [] });
    await waitFor(async () => (await second.describe()).raw.pendingActivities?.[0]?.lastHeartbeatTime != null, {
      for: 'the second guardian to look',
      withinMs: patienceMs,
      everyMs: 200,
    });
  });
});

describe.concurrent('a rollout that was terminated', () => {
  it('while it baked goes to zero, is restored and ends rolled back, like a rollout that went back by itself', async () => {
    const service = 'ended';
    world.load(service, { ratePerSecond: 20, maxSeconds: 300 });
    await rollouts.start({ service, steps, gates: [wide] });
    await rollouts.gate(service, 'wide@100%');
    const run = await terminate(service, 'by mistake');
    const end = await endedAfter(service, run);
    expect(end).toMatchObject({
      outcome: 'rolled-back',
      reason: expect.stringMatching(new RegExp(`run ${run} ended without an outcome: .*by mistake`)) as string,
      weights: { requestedBp: 0, acceptedBp: 0 },
      requester: 'rita',
      release: { label: 'v2' },
    });
    expect(world.weightsSeenByProxy(service)).toEqual([500, 0]);
    expect(await canaryRequestsAfterZero(world, service)).toBe(0);
    expect((await splitNow(world, service)).claim).toMatchObject({ released: true, stage: { kind: 'back' } });
    expect(await world.service(service).slotStates()).toMatchObject({ a: { ready: true }, b: { release: null } });
    expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);

    expect(told(service).map(({ severity, title }) => `${severity} ${title}`)).toEqual(
      expect.arrayContaining(['P0 ended: the guardian takes it over', 'P0 ended goes back']),
    );
    const { stdout } = await rollouts.run('timeline', service);
    expect(stdout).toMatch(
      /the guardian takes v2 .*by mistake.*v2 .* was left with 5% of the traffic.*outcome:rolled-back/s,
    );
    const listed = await rollouts.sluice(['list', '--service', service]);
    expect(listed.stdout).toMatch(/demo\/ended +rolled-back/);
    await looks(3);
    expect(await runsOf(service)).toEqual(['revert', 'rollout']);
  });

  it('before it had touched anything gets an outcome, and nothing is written to its target', async () => {
    const service = 'early';
    await rollouts.start({ service, steps, gates: [go] });
    await rollouts.gate(service, 'go');
    const end = await endedAfter(service, await terminate(service, 'not today'));
    expect(end).toMatchObject({ outcome: 'aborted', weights: { acceptedBp: null } });
    expect(world.proxyWrites(service)).toEqual([]);
    expect((await rollouts.run('timeline', service)).stdout).toMatch(
      /nothing is taken back: it had not touched the target/,
    );
  });

  it('while the promoted release was watched goes back to the release before, which was still warm', async () => {
    const service = 'watched';
    await rollouts.start({ service, steps: steps.slice(1), watch: '1h' });
    await rollouts.until(service, 'the watch', ({ phase }) => phase === 'watching');
    const end = await endedAfter(service, await terminate(service, 'by mistake'));
    expect(end).toMatchObject({ outcome: 'rolled-back' });
    expect(world.weightsSeenByProxy(service)).toEqual([10_000, 0]);
    expect(await world.service(service).slotStates()).toMatchObject({ a: { ready: true }, b: { release: null } });
  });
});

describe.concurrent('a rollout that somebody gave a time-out in Temporal', () => {
  it('and that ran into it with traffic is taken back like one that was terminated', async () => {
    const service = 'expired';
    await rollouts.start({ service, steps, gates: [go, wide] });
    await rollouts.gate(service, 'go');
    const args = [await inputOf(service)];
    await endedAfter(service, await terminate(service, 'to be started again, with a time-out'));
    const { client, taskQueue } = rollouts.session;
    const limits = { workflowRunTimeout: '40s', workflowId: idOf(service), taskQueue } as const;
    const again = await client.workflow.start('rollout', { ...limits, args });
    await rollouts.answer(service, 'go', 'ana');
    await rollouts.gate(service, 'wide@100%');
    const end = await endedAfter(service, again.firstExecutionRunId);
    expect(end).toMatchObject({
      outcome: 'rolled-back',
      reason: expect.stringContaining(`run ${again.firstExecutionRunId} ended without an outcome: it`) as string,
      weights: { acceptedBp: 0 },
    });
    expect(end.reason).toContain('timed out');
    const late = await describeRollout(rollouts.session, idOf(service), again.firstExecutionRunId);
    expect(late).toMatchObject({ execution: 'TIMED_OUT' });
    expect(world.weightsSeenByProxy(service)).toEqual([500, 0]);
    expect((await splitNow(world, service)).claim).toMatchObject({ released: true, stage: { kind: 'back' } });
    expect(violations(world.proxyWrites(service), { stepsBp, ended: true })).toEqual([]);
  });
});

describe.concurrent('a rollout that has an outcome', () => {
  it('after `detach` keeps its weights: nobody takes them back', async () => {
    const service = 'mine';
    await rollouts.start({ service, steps, gates: [wide] });
    await rollouts.gate(service, 'wide@100%');
    await rollouts.raise(service, 'detach');
    expect(await rollouts.ended(service)).toMatchObject({ outcome: 'detached' });
    await looks(4);
    expect(await splitNow(world, service)).toMatchObject({ canaryBp: 500, claim: { stage: { kind: 'step' } } });
    expect(await runsOf(service)).toEqual(['rollout']);
    expect(told(service).filter(({ severity }) => severity === 'P0')).toEqual([]);
  });

  it("after Temporal's Cancel has gone back by itself, and no revert comes after it", async () => {
    const service = 'cancelled';
    await rollouts.start({ service, steps, gates: [wide] });
    await rollouts.gate(service, 'wide@100%');
    await rollouts.session.client.workflow.getHandle(idOf(service)).cancel();
    expect(await rollouts.ended(service)).toMatchObject({
      outcome: 'rolled-back',
      reason: 'cancelled through Temporal',
    });
    await looks(3);
    expect(await runsOf(service)).toEqual(['rollout']);
  });
});

const replaceWorker = async (launcher?: string): Promise<void> => {
  await worker.kill();
  worker = await world.startWorker({ parts, ...(launcher === undefined ? {} : { launcher }) });
};

const untilTold = (service: string, text: RegExp): Promise<Notice> =>
  waitFor(() => told(service).find((notice) => text.test(notice.text)) ?? null, {
    for: `people to be told ${String(text)}`,
    withinMs: patienceMs,
    everyMs: 200,
  });

describe('a rollout whose workflow tasks fail again and again, as with a build that cannot carry it on', () => {
  it('is told to people; with traffic it is then ended and reverted, without it is left alone', async () => {
    await rollouts.start({ service: 'stuck', steps, gates: [wide] });
    await rollouts.start({ service: 'idle', steps, gates: [go] });
    await rollouts.gate('stuck', 'wide@100%');
    await rollouts.gate('idle', 'go');
    const before = await describeRollout(rollouts.session, idOf('stuck'));
    const idle = await describeRollout(rollouts.session, idOf('idle'));
    const start = 'async function rollout(input) {';
    await replaceWorker(buildWith(folder, 'broken', start, `${start} throw new TypeError('a bug of this build');`));
    for (const service of ['stuck', 'idle']) {
      const handle = rollouts.session.client.workflow.getHandle(idOf(service));
      await handle.signal('pause', { by: 'olga', reason: 'so that there is a task' });
    }
    const standing = await untilTold('stuck', /its workflow task has been failing/);
    expect(standing).toMatchObject({ severity: 'P0', title: 'stuck stands still' });
    expect(standing.text).toMatch(/Its release has 5% of the traffic: unless it goes on it is ended and reverted in/);

    const end = await endedAfter('stuck', before.run);
    expect(end).toMatchObject({ outcome: 'rolled-back', weights: { acceptedBp: 0 } });
    expect(end.reason).toMatch(/stood still: its workflow task has been failing/);
    expect(world.weightsSeenByProxy('stuck')).toEqual([500, 0]);
    expect(await describeRollout(rollouts.session, idOf('stuck'), before.run)).toMatchObject({
      execution: 'TERMINATED',
    });

    expect((await untilTold('idle', /has been failing/)).text).toMatch(/no traffic, so nothing is done by itself/);
    await looks(10);
    expect(await describeRollout(rollouts.session, idOf('idle'))).toMatchObject({ run: idle.run, open: true });
    await replaceWorker();
    await rollouts.abort('idle', 'enough seen');
    expect(await rollouts.ended('idle')).toMatchObject({ outcome: 'aborted' });
  });
});

describe('a rollout whose workflow failed', () => {
  it('is taken back like one that was terminated', async () => {
    const abort = 'function abort(run, raw) {';
    const failure =
      "_temporalio_common__WEBPACK_IMPORTED_MODULE_1__.ApplicationFailure.nonRetryable('a bug of this build')";
    await replaceWorker(buildWith(folder, 'failing', abort, `${abort} throw ${failure};`));
    await rollouts.start({ service: 'failed', steps, gates: [wide] });
    await rollouts.gate('failed', 'wide@100%');
    const { run } = await describeRollout(rollouts.session, idOf('failed'));
    await rollouts.session.client.workflow.getHandle(idOf('failed')).signal('abort', { by: 'olga', reason: 'look' });
    expect(await endedAfter('failed', run)).toMatchObject({
      outcome: 'rolled-back',
      reason: expect.stringMatching(/its workflow failed: .*a bug of this build/) as string,
    });
    expect(await describeRollout(rollouts.session, idOf('failed'), run)).toMatchObject({ execution: 'FAILED' });
    expect(world.weightsSeenByProxy('failed')).toEqual([500, 0]);
    await replaceWorker();
  });
});

describe('a rollout that only workers of a version take, which is gone', () => {
  const { PinnedOverrideBehavior } = proto.temporal.api.workflow.v1.VersioningOverride;
  const gone = { deploymentName: 'sluice', buildId: 'gone' };

  beforeAll(async () => {
    const connection = await NativeConnection.connect({ address: world.temporal.address });
    const versioned = await TemporalWorker.create({
      connection,
      taskQueue: world.taskQueue,
      workflowBundle: { codePath: inProject('dist', 'workflow-bundle.js') },
      workerDeploymentOptions: { version: gone, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' },
      sinks: createMetrics({ now: () => 0, states: async () => new Map() }).sinks,
    });
    const running = versioned.run();
    const { workflowService } = rollouts.session.client;
    const isKnown = async () => {
      const { namespace } = rollouts.session;
      const version = { deploymentName: gone.deploymentName, buildId: gone.buildId };
      return workflowService.describeWorkerDeploymentVersion({ namespace, deploymentVersion: version }).then(
        () => true,
        () => false,
      );
    };
    await waitFor(isKnown, { for: 'the version to be known', withinMs: patienceMs, everyMs: 200 });
    versioned.shutdown();
    await running;
    await connection.close();
  }, 120_000);

  it('is ended and reverted by workers of today when its release has traffic', async () => {
    await rollouts.start({ service: 'pinned', steps, gates: [wide] });
    await rollouts.gate('pinned', 'wide@100%');
    const { run } = await describeRollout(rollouts.session, idOf('pinned'));
    await rollouts.session.client.workflowService.updateWorkflowExecutionOptions({
      namespace: rollouts.session.namespace,
      workflowExecution: { workflowId: idOf('pinned') },
      workflowExecutionOptions: {
        versioningOverride: {
          pinned: { behavior: PinnedOverrideBehavior.PINNED_OVERRIDE_BEHAVIOR_PINNED, version: gone },
        },
      },
      updateMask: { paths: ['versioning_override'] },
    });
    await rollouts.session.client.workflow.getHandle(idOf('pinned')).signal('pause', { by: 'olga', reason: 'a task' });
    expect((await untilTold('pinned', /no worker has taken its workflow task/)).text).toMatch(/5% of the traffic/);
    expect(await endedAfter('pinned', run)).toMatchObject({ outcome: 'rolled-back' });
    expect(world.weightsSeenByProxy('pinned')).toEqual([500, 0]);
  });

  it('is only told to people when it never began', async () => {
    const { client, namespace, taskQueue } = rollouts.session;
    await rollouts.start({ service: 'unborn', steps, gates: [go] });
    const input = await inputOf('unborn');
    await terminate('unborn', 'to be started again, pinned');
    await waitFor(async () => (await runsOf('unborn')).length === 2, { for: 'its revert', withinMs: patienceMs });
    await rollouts.ended('unborn');
    const again = await client.workflow.start('rollout', {
      workflowId: idOf('unborn'),
      taskQueue,
      args: [input],
      versioningOverride: { pinnedTo: gone },
    });
    const text = /no worker has taken its first workflow task/;
    expect((await untilTold('unborn', text)).text).toMatch(/no traffic, so nothing is done by itself/);
    await looks(8);
    expect((await again.describe()).status.name).toBe('RUNNING');
    expect(world.proxyWrites('unborn')).toEqual([]);
    expect(namespace).toBe('default');
    await again.terminate('enough seen');
  });
});

describe('a target that does not answer', () => {
  it('is asked again until it does: the revert ends when zero was read back', async () => {
    const service = 'blind';
    await rollouts.start({ service, steps, gates: [wide] });
    await rollouts.gate(service, 'wide@100%');
    const mend = world.admin.fault({ fault: { kind: 'refuse', status: 503 } });
    const run = await terminate(service, 'by mistake');
    const refused = () => world.admin.entries().filter(({ fault }) => fault === 'refuse').length;
    const before = refused();
    await waitFor(() => refused() > before + 3, { for: 'some tries', withinMs: patienceMs, everyMs: 200 });
    expect(await rollouts.until(service, 'the revert', ({ phase }) => phase === 'rolling-back')).toMatchObject({
      outcome: null,
      weights: { acceptedBp: null },
    });
    mend();
    expect(await endedAfter(service, run)).toMatchObject({ outcome: 'rolled-back', weights: { acceptedBp: 0 } });
    expect(world.weightsSeenByProxy(service)).toEqual([500, 0]);
  });
});
