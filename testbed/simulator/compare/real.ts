/** The same scenarios on a real Temporal server, with a real clock: the world behind `Http` is the same scripted one. */

import { setTimeout as pause } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';
import { Client, Connection, type WorkflowHandle, WorkflowUpdateFailedError } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { Activities } from '../../../activities/contract.ts';
import { planDigest } from '../../../plan/digest.ts';
import type { Status } from '../../../plan/status.ts';
import { createClock } from '../../../providers/clock.ts';
import type { Clock, Http } from '../../../providers/ports.ts';
import { createRollouts } from '../../../worker/rollouts.ts';
import { createRuns } from '../../../worker/runs.ts';
import { createMetrics } from '../../../worker/metrics.ts';
import { deploymentOf } from '../../../worker/version.ts';
import { createWorkers } from '../../../worker/workers.ts';
import { rolloutId, rolloutWorkflow } from '../../../workflows/messages.ts';
import { equipment } from '../deployment.ts';
import { activityNames } from '../explore/ground.ts';
import type { Ground } from '../explore/life.ts';
import { people } from '../explore/plans.ts';
import { socketsOver } from '../sockets.ts';
import type { Answer } from '../worlds/host.ts';
import { operatorFor } from '../worlds/operator.ts';
import { linesOf } from './asked.ts';
import { answered, connectionRefused, looks, worldOf } from './scenario.ts';
import type { Door, Message, Played, Scenario, ScenarioWorld } from './scenario.ts';
import type { Settings } from './simulated.ts';

export interface RealOptions extends Pick<Settings, 'heartbeatMs'> {
  readonly address: string;
  readonly namespace: string;
  readonly secrets: Ground['secrets'];
}

const taskQueue = 'compare';
/** One way, ms: about what the simulator draws. */
const travelMs = 2;

/** All of them at the same time, on one worker. */
export async function onServer(
  scenarios: readonly Scenario[],
  { address, namespace, heartbeatMs, secrets }: RealOptions,
): Promise<readonly Played[]> {
  const connection = await NativeConnection.connect({ address });
  const doors = await Connection.connect({ address });
  const client = new Client({ connection: doors, namespace });
  const staff = new Map<string, Activities>();
  const { sinks } = createMetrics({ now: () => Date.now(), states: async () => new Map() });
  const activities = byRollout(staff);
  const deployment = deploymentOf(null, {});
  const workers = await createWorkers({ connection, namespace, taskQueue, heartbeatMs, deployment, activities, sinks });
  const running = workers.run();
  try {
    const playing = scenarios.map((scenario) => play(scenario, client, staff, secrets));
    return await Promise.race([Promise.all(playing), running.then(() => Promise.reject(new Error('no worker left')))]);
  } finally {
    workers.stop();
    await running;
    await doors.close();
    await connection.close();
  }
}

async function play(
  scenario: Scenario,
  client: Client,
  staff: Map<string, Activities>,
  secrets: Ground['secrets'],
): Promise<Played> {
  const { plan, acts } = scenario;
  const rollout = rolloutId(plan.environment, plan.service);
  const world = worldOf(scenario, Date.now());
  const clock = createClock();
  const http = httpTo(world, clock);
  const unique = () => Math.floor(Math.random() * 0x7fffffff).toString(36);
  const equip = equipment({ config: operatorFor(plan), people, secrets }, () => ({
    rollouts: createRollouts(client),
    runs: createRuns(client, taskQueue),
  }));
  const doors = { http, sockets: socketsOver((request) => http.send(request), clock), clock, random: unique };
  staff.set(rollout, equip(doors) as unknown as Activities);
  const input = { plan, planDigest: planDigest(plan), requester: 'rita', carried: null };
  const handle = await client.workflow.start(rolloutWorkflow, { workflowId: rollout, taskQueue, args: [input] });
  const answers: Promise<string>[] = [];
  const look = looks(acts, doorTo(handle, answers));
  const over = new AbortController();
  const ending = handle.result().finally(() => over.abort());
  for (let ms = await look(); ms !== null && !over.signal.aborted; ms = await look()) await pause(ms);
  await ending;
  const histories = await historiesOf(client, rollout, handle.firstExecutionRunId);
  const course = {
    asked: histories.flatMap(linesOf),
    writes: world.writes(),
    answers: await Promise.all(answers),
  };
  return { course, events: histories.reduce((sum, { length }) => sum + length, 0) };
}

function doorTo(handle: WorkflowHandle, answers: Promise<string>[]): Door {
  return {
    status: () => handle.query<Status>('status').catch(() => null),
    now: () => Date.now(),
    send: async (message: Message, status: Status) => {
      if (message.kind === 'cancel') {
        await handle.cancel();
        return;
      }
      const { name, input } = message;
      if (message.kind === 'signal') return handle.signal(name, input(status));
      answers.push(update(handle, name, input(status)));
    },
  };
}

async function update(handle: WorkflowHandle, name: string, input: unknown): Promise<string> {
  try {
    return answered(name, { value: await handle.executeUpdate(name, { args: [input] }) });
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    return answered(name, { why: error.cause?.message ?? error.message });
  }
}

/** Of every run, from the first to the one that ended. */
async function historiesOf(client: Client, rollout: string, first: string) {
  const histories = [];
  for (let run: string | null | undefined = first; run;) {
    const { events } = await client.workflow.getHandle(rollout, run).fetchHistory();
    histories.push(events ?? []);
    run = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  return histories;
}

function httpTo(world: ScenarioWorld, clock: Clock): Http {
  return {
    send: async (request): Promise<Answer> => {
      await clock.sleep(travelMs, request.signal);
      const host = world.host(new URL(request.url).origin);
      if (host === undefined) throw connectionRefused(request);
      const answer = host.answer(request, Date.now());
      await clock.sleep(travelMs + (answer.tookMs ?? 0), request.signal);
      return answer;
    },
  };
}

/** Every rollout has providers of its own, because it has a world of its own. */
function byRollout(staff: ReadonlyMap<string, Activities>): Activities {
  const of = (name: keyof Activities) => async (input: never) => {
    const rollout = activityInfo().workflowExecution?.workflowId ?? '';
    const activities = staff.get(rollout);
    if (activities === undefined) throw new Error(`nobody works for ${rollout}`);
    return activities[name](input);
  };
  return Object.fromEntries(activityNames.map((name) => [name, of(name)])) as unknown as Activities;
}
