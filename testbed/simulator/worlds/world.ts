/** A world for one service: its proxy, host, processes and metrics wired together, with the truth about all of them. */

import { createHash } from 'node:crypto';
import type { Plan } from '../../../plan/plan.ts';
import type { Release } from '../../../plan/release.ts';
import { plainRelease, type WorldFault, type WorldScript } from '../../../spec/world.ts';
import type { Moment } from '../../../spec/world-time.ts';
import { createCaddy } from './caddy.ts';
import { createControlApi } from './control-api.ts';
import { type Course, createCourse } from './course.ts';
import { alsoAt, doorsOf, type Notified, originOf, persistHook, webhook } from './doors.ts';
import { firstConfig } from './first-config.ts';
import { createHookHost } from './hook.ts';
import type { Host } from './host.ts';
import { ofRelease } from './measures.ts';
import { createMetrics } from './metrics.ts';
import { type OperatorFacts, placesOf } from './operator.ts';
import { happeningOf } from './proxy-events.ts';
import { createRoute } from './route.ts';
import { createSlots } from './slots.ts';
import { type History, isWithin, momentsOf, timeOf } from './timeline.ts';
import { authorOf, shareIn, sharesIn, type Truth, type Write } from './truth.ts';

export interface World {
  /** Who answers at an origin such as `http://127.0.0.1:2019`; `undefined`: nobody ever listens there. */
  readonly host: (origin: string) => Host | undefined;
  /** What is so at a moment; moments only go forward. */
  truth(now: number): Truth;
  /** Everything that changed the route or was asked of the deploy host, in order. */
  writes(): readonly Write[];
  /** The scripted faults of an origin at a moment; the network draws and plays them. */
  faultsAt(origin: string, now: number): readonly WorldFault[];
  /** Epoch ms of a scripted moment; `null` as long as nobody knows. */
  timeOf(when: Moment): number | null;
  /** What was sent to notification webhooks. */
  notices(): readonly Notified[];
  /** Takes in the queries and suites of another plan for the same service. */
  know(plan: Plan): void;
  /** Caddy starts anew, now: with `resume` from what it kept, else from its file. */
  restartProxy(how: { readonly resume: boolean }, now: number): void;
  /** The release that served when the world began. */
  readonly stable: Release;
  readonly script: WorldScript;
}

/** Throws when the operator's facts do not have what the plan names. */
export function createWorld(script: WorldScript, plan: Plan, facts: OperatorFacts): World {
  const parts = assemble(script, plan, facts);
  const { caddy, hook, route, history, course, writes, stable, know } = parts;
  const { hosts, notices, doors } = openDoors(parts);
  return {
    host: (origin) => hosts.get(origin),
    truth(now) {
      course.advance(now);
      const { traffic, claim, preview } = route.under(caddy.config(), now);
      const host = { slots: hook.slots(now), hostFence: hook.fence() };
      return { traffic, claim, preview, ...host, shares: sharesIn(traffic), proxyUp: caddy.isUp() };
    },
    writes: () => writes,
    faultsAt(origin, now) {
      course.advance(now);
      return script.faults.filter(({ of, during }) => doors[of].includes(origin) && isWithin(during, now, history));
    },
    timeOf: (when) => timeOf(when, history),
    notices: () => notices,
    know,
    restartProxy(how, now) {
      course.advance(now);
      caddy.restart(how, now);
      course.settle(now);
    },
    stable,
    script,
  };
}

type Parts = ReturnType<typeof assemble>;

function assemble(script: WorldScript, plan: Plan, facts: OperatorFacts) {
  const places = placesOf(plan, facts);
  const stable = releaseNamed(plan, script.stableLabel);
  const { history, note } = createHistory(facts.began);
  const roleOf = (digest: string) =>
    digest === stable.digest ? 'stable' : digest === plan.release.digest ? 'canary' : null;
  const writes: Write[] = [];
  const plans: Plan[] = [];
  let isDirty = false;
  const changed = () => void (isDirty = true);

  const slots = createSlots({
    dials: places.slots,
    script,
    behaviour: (release) => ofRelease(script.releases, release, roleOf) ?? plainRelease,
    suites: () => plans.map(({ suites }) => suites),
    history,
    changed,
  });
  const route = createRoute(plan, places, slots);
  const caddy = createCaddy({
    file: firstConfig(places),
    behind: slots.host,
    changed: (was, now, by) => {
      changed();
      const [before, after] = [route.under(was, now), route.under(caddy.config(), now)];
      writes.push({ kind: 'route', at: now, by: authorOf(by, before, after), before, after });
    },
  });
  const hook = createHookHost({
    names: Object.keys(places.slots),
    runner: slots,
    token: null,
    called: (call) => writes.push({ kind: 'host', ...call }),
  });
  const metrics = createMetrics({ script, slots, history, roleOf });
  const know = (more: Plan): void => {
    plans.push(more);
    metrics.know(more, [stable, plan.release, more.release]);
  };
  const proxy = { caddy, route, began: facts.began, course: () => course };
  const course: Course = createCourse({
    history,
    happenings: script.proxy.map((event) => happeningOf(event, proxy)),
    moments: () => [...momentsOf(script.milliRequests), ...slots.moments()],
    settle: (at) => {
      isDirty = false;
      const { traffic } = route.under(caddy.config(), at);
      note(at, shareIn(traffic, plan.release.digest));
      slots.pace(caddy.isUp() ? traffic : [], at);
    },
  });
  know(plan);
  hook.seed(Object.keys(places.slots)[0] ?? '', stable, facts.began - longAgoMs);
  course.advance(facts.began);
  return { places, stable, history, writes, slots, route, caddy, hook, metrics, course, know, isDirty: () => isDirty };
}

/** Stable has been up for a while. */
const longAgoMs = 3_600_000;

/** Remembers when the release under test first had how much. */
function createHistory(began: number) {
  const peaks: { readonly at: number; readonly bp: number }[] = [];
  const history: History = {
    began,
    reached: (weightBp) => peaks.find(({ bp }) => bp >= weightBp)?.at ?? null,
  };
  const note = (at: number, bp: number): void => {
    if (bp > (peaks.at(-1)?.bp ?? 0)) peaks.push({ at, bp });
  };
  return { history, note };
}

function openDoors({ places, caddy, hook, route, slots, metrics, course, isDirty }: Parts) {
  const doors = doorsOf(places);
  const notices: Notified[] = [];
  const hosts = new Map<string, Host>();
  const open = (origin: string, host: Host | undefined) => {
    if (host !== undefined) hosts.set(origin, inTime(host, course, isDirty));
  };
  const control = places.controlApi === null ? caddy.admin : createControlApi({ places, caddy, hook, route });
  for (const origin of doors.proxy) open(origin, control);
  for (const origin of doors.users) open(origin, alsoAt(origin, places.public, caddy.public));
  for (const origin of doors.host) open(origin, hook);
  for (const origin of doors.slots) open(origin, slots.host(new URL(origin).host));
  for (const origin of doors.metrics) open(origin, metrics.host);
  for (const origin of doors.notify) open(origin, webhook(notices));
  if (places.persistHook !== null) open(originOf(places.persistHook), persistHook(caddy.writeFile));
  return { doors, notices, hosts };
}

/** Everything before is over when a request is answered, and what the answer changed counts from this moment on. */
function inTime(host: Host, course: Course, isDirty: () => boolean): Host {
  const { listens } = host;
  return {
    ...(listens !== undefined && {
      listens(now: number) {
        course.advance(now);
        return listens(now);
      },
    }),
    answer(request, now) {
      course.advance(now);
      try {
        return host.answer(request, now);
      } finally {
        if (isDirty()) course.settle(now);
      }
    },
  };
}

/** A made-up release of the plan's service, always the same for a label. */
export function releaseNamed(plan: Plan, label: string): Release {
  const digest = createHash('sha256').update(`${plan.service}:${label}`).digest('hex');
  return { digest: `sha256:${digest}`, label, image: plan.release.image };
}
