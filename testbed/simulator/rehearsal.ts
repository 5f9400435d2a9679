/** A rollout rehearsed in a written world: who is asked when, what happens on each failure, how it ends. */

import { planDigest } from '../../plan/digest.ts';
import type { Outcome } from '../../plan/phases.ts';
import type { Plan } from '../../plan/plan.ts';
import type { RequestStatus, Status } from '../../plan/status.ts';
import type { TargetCapabilities } from '../../plan/target.ts';
import type { TimelineEvent } from '../../plan/timeline.ts';
import type { People } from '../../providers/directory/directory.ts';
import type { Notice } from '../../providers/ports.ts';
import { secretsOfSuite } from '../../providers/smoke/template.ts';
import type { WorldAct, WorldAnswer, WorldFault, WorldScript } from '../../spec/world.ts';
import { targetOf } from '../../worker/ports.ts';
import { rolloutId, rolloutWorkflow } from '../../workflows/messages.ts';
import { equipment, noCluster, noEngine, secretsOf } from './deployment.ts';
import { calmWay } from './network.ts';
import type { Fault, Way } from './network.ts';
import { openSandbox } from './sandbox.ts';
import { simulatedTemporal } from './runs.ts';
import { Simulation } from './simulation.ts';
import { withoutGuard } from './still.ts';
import { operatorFor } from './worlds/operator.ts';
import { shareIn } from './worlds/truth.ts';
import { createWorld } from './worlds/world.ts';
import type { World } from './worlds/world.ts';

export interface RehearsalInput {
  readonly plan: Plan;
  readonly script: WorldScript;
  readonly people: People['people'];
  readonly requester: string;
  /** Text of the workflow bundle. */
  readonly bundle: string;
  /** The same seed gives the same rehearsal, to the millisecond. */
  readonly seed: number;
  /** Epoch ms. */
  readonly startsAt: number;
  /** Whether there is a channel by which people are told things. @default false */
  readonly tells?: boolean;
}

/** What became of it; the weights are what users got, as the proxy saw it. */
export interface Rehearsal {
  /** `null` when it had not ended when nobody looked any more. */
  readonly outcome: Outcome | null;
  readonly reason: string | null;
  readonly startedAt: number;
  /** Time that passed in the world, ms. */
  readonly tookMs: number;
  readonly timeline: readonly TimelineEvent[];
  readonly weights: readonly { readonly at: number; readonly canaryBp: number; readonly by: string }[];
  readonly historyEvents: number;
  /** What people were told. */
  readonly notices: readonly (Notice & { readonly at: number })[];
}

/** Longer than any ladder with its watch; who stands still that long waits for somebody whom the world file forgot. */
const longestMs = 14 * 86_400_000;
const lookEveryMs = 5_000;

/** What a plan's target can do in a rehearsal; asks nobody. */
export async function rehearsedCapabilities(plan: Plan): Promise<TargetCapabilities> {
  const nobody = async (): Promise<never> => {
    throw new Error('capabilities are known without asking');
  };
  const doors = {
    http: { send: nobody },
    clock: { now: () => 0, sleep: nobody },
    engine: noEngine,
    cluster: noCluster,
  };
  return targetOf({ config: operatorFor(plan), credentials: new Map(), ...doors }, plan.target).capabilities();
}

export async function rehearse(input: RehearsalInput): Promise<Rehearsal> {
  const { plan, script, people, requester, startsAt, seed } = input;
  const channel = { kind: 'webhook', name: 'people', url: 'http://people.invalid' } as const;
  const config = { ...operatorFor(plan), ...(input.tells === true && { notify: [channel] }) };
  const world = createWorld(script, plan, { config, began: startsAt });
  const named = Object.values(plan.suites).flatMap(secretsOfSuite);
  const secrets = await secretsOf(Object.fromEntries(named.map((name) => [name, `rehearsed-${name}`])));
  const rollout = rolloutId(plan.environment, plan.service);
  const simulation: Simulation = new Simulation({
    seed,
    startsAt,
    sandbox: await openSandbox(input.bundle, []),
    stillness: withoutGuard(),
    around: {
      host: (origin) => world.host(origin),
      way: (origin, method) => wayOf(world.faultsAt(origin, simulation.schedule.now), method),
      onEffect: () => undefined,
    },
    equip: equipment({ config, people, secrets }, () => simulatedTemporal(simulation.server)),
  });
  const digest = planDigest(plan);
  simulation.startWorker();
  simulation.server.start(rollout, rolloutWorkflow, [{ plan, planDigest: digest, requester, carried: null }]);
  playPeople(simulation, rollout, digest, script.people);
  playActs(simulation, rollout, world, script.acts);
  await simulation.run(() => isOver(simulation, rollout), startsAt + longestMs);
  return toldOf(simulation, rollout, world, plan, startsAt);
}

async function toldOf(
  simulation: Simulation,
  rollout: string,
  world: World,
  plan: Plan,
  startsAt: number,
): Promise<Rehearsal> {
  const { server } = simulation;
  const timeline = (await server.finalQuery(rollout, 'timeline')) as readonly TimelineEvent[];
  const status = (await server.finalQuery(rollout, 'status')) as Status;
  const weights = world.writes().flatMap((write) => {
    if (write.kind !== 'route') return [];
    const [before, canaryBp] = [write.before, write.after].map(({ traffic }) =>
      Math.round(shareIn(traffic, plan.release.digest)),
    ) as [number, number];
    return before === canaryBp ? [] : [{ at: write.at, canaryBp, by: write.by }];
  });
  return {
    outcome: status.outcome,
    reason: status.reason,
    startedAt: startsAt,
    tookMs: simulation.schedule.now - startsAt,
    timeline,
    weights,
    notices: world.notices().map(({ at, body }) => ({ ...(JSON.parse(body) as Notice), at })),
    historyEvents: server.chain(rollout).reduce((sum, run) => sum + run.historyEvents, 0),
  };
}

function isOver(simulation: Simulation, rollout: string): boolean {
  const closing = simulation.server.newest(rollout)?.closing ?? null;
  return closing !== null && closing.kind !== 'continued';
}

/** The file's faults as the network plays them; the latest slowness counts. */
function wayOf(faults: readonly WorldFault[], method: string): Way {
  const met = faults.filter(({ methods }) => methods === null || methods.some((name) => name === method));
  const slow = met.findLast(({ what }) => what === 'slow');
  return {
    ...calmWay,
    ...(slow !== undefined && { slow: { chance: slow.chance, ms: [slow.byMs, slow.byMs] } }),
    faults: met.flatMap(({ what, chance, status }): Fault[] => (what === 'slow' ? [] : [{ what, chance, status }])),
  };
}

/** Everybody answers every request of their gate, so long after it was opened or opened anew. */
function playPeople(simulation: Simulation, rollout: string, plan: string, answers: readonly WorldAnswer[]): void {
  const asked = new Set<string>();
  const answer = ({ gate, openedAt, evidenceRevision, evidenceDigest }: RequestStatus): void => {
    const key = `${gate}/${String(openedAt)}/${String(evidenceRevision)}`;
    if (asked.has(key)) return;
    asked.add(key);
    for (const { by, decision, afterMs, soakMs, reason } of answers.filter((one) => isMeant(one.gate, gate))) {
      const more = {
        ...(reason !== null && { reason }),
        ...(soakMs !== null && { soak: `${String(soakMs / 1_000)}s` }),
      };
      const input = { gate, by, decision, plan, evidence: evidenceDigest, ...more };
      simulation.in(afterMs, () => simulation.server.signal(rollout, 'decide', input));
    }
  };
  const look = async (): Promise<void> => {
    const status = (await simulation.server.news(rollout, 'status')) as Status | null;
    for (const request of status?.requests ?? []) if (request.state === 'open') answer(request);
    simulation.in(lookEveryMs, look);
  };
  simulation.in(lookEveryMs, look);
}

function isMeant(named: string, gate: string): boolean {
  return named === gate || named === gate.split('@')[0];
}

/** What operators do unasked, each once, when its moment has come. */
function playActs(simulation: Simulation, rollout: string, world: World, acts: readonly WorldAct[]): void {
  const waiting = new Set(acts);
  const look = (): void => {
    for (const act of waiting) {
      const at = world.timeOf(act.when);
      if (at === null || at > simulation.schedule.now) continue;
      waiting.delete(act);
      perform(simulation, rollout, act);
    }
    if (waiting.size > 0) simulation.in(lookEveryMs, look);
  };
  simulation.in(0, look);
}

function perform({ server }: Simulation, rollout: string, { do: what, by, toBp, reason }: WorldAct): void {
  if (what === 'cancel') return server.cancel(rollout);
  server.signal(rollout, what, { by, reason: reason ?? 'as the world file says', ...(toBp !== null && { toBp }) });
}
