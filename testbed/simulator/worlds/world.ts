/** A world for one service: its proxy, host, processes and metrics wired together, with the truth about all of them. */

import { createHash } from 'node:crypto';
import type { Plan } from '../../../plan/plan.ts';
import type { Release } from '../../../plan/release.ts';
import type { HttpRequest } from '../../../providers/ports.ts';
import { createCaddy, meetingUnder } from './caddy.ts';
import type { Visit } from './caddy-routes.ts';
import type { Tree } from './caddy-tree.ts';
import { createHookHost } from './hook.ts';
import { type Host, json } from './host.ts';
import { measureOf, ofRelease, queriesOf } from './measures.ts';
import { type OperatorFacts, type Places, placesOf } from './operator.ts';
import { createPrometheusHost } from './prometheus.ts';
import { plainRelease, type ProxyEvent, type WorldScript } from './script.ts';
import { createSlots, type Slots } from './slots.ts';
import { type History, type Moment, momentsOf, nextAfter, timeOf } from './timeline.ts';
import { claimIn, type RouteTruth, shareIn, sharesIn, type Traffic, type Truth, type Write } from './truth.ts';

export interface World {
  /** Who answers at an origin such as `http://127.0.0.1:2019`; `undefined`: nobody ever listens there. */
  host(origin: string): Host | undefined;
  /** What is so at a moment; moments only go forward. */
  truth(now: number): Truth;
  /** Everything that changed the route or was asked of the deploy host, in order. */
  writes(): readonly Write[];
  /** The release that served when the world began. */
  readonly stable: Release;
  /** Epoch ms of a scripted moment; `null` as long as nobody knows. */
  timeOf(when: Moment): number | null;
  /** Texts that were sent to notification webhooks. */
  notices(): readonly { readonly at: number; readonly body: string }[];
  /** Takes in the queries and suites of another plan for the same service. */
  know(plan: Plan): void;
}

/** Throws when the operator's facts do not have what the plan names. */
export function createWorld(script: WorldScript, plan: Plan, facts: OperatorFacts): World {
  const places = placesOf(plan, facts);
  const stable = releaseNamed(plan, script.stable.label);
  const plans = [plan];
  const writes: Write[] = [];
  const notices: { at: number; body: string }[] = [];
  const peaks: { readonly at: number; readonly bp: number }[] = [];
  const history: History = {
    began: facts.began,
    reached: (weightBp) => peaks.find(({ bp }) => bp >= weightBp)?.at ?? null,
  };
  const roleOf = (digest: string) =>
    digest === stable.digest ? 'stable' : digest === plan.release.digest ? 'canary' : null;
  let queries = queriesOf(plan, [stable, plan.release]);
  let isDirty = true;

  const slots: Slots = createSlots({
    dials: places.slots,
    script,
    behaviour: (release) => ofRelease(script.releases, release, roleOf) ?? plainRelease,
    suites: () => plans.map(({ suites }) => suites),
    history,
    changed: () => void (isDirty = true),
  });
  const caddy = createCaddy({
    file: firstConfig(places),
    behind: slots.host,
    changed: (before, now, by) => {
      isDirty = true;
      const [then, after] = [routeTruth(before, now), routeTruth(caddy.config(), now)];
      writes.push({ kind: 'route', at: now, by: authorOf(by, then, after), before: then, after });
    },
  });
  const hook = createHookHost({
    names: Object.keys(places.slots),
    runner: slots,
    token: null,
    called: (call) => writes.push({ kind: 'host', ...call }),
  });
  const prometheus = createPrometheusHost({
    measure: (query, at) => {
      const asked = queries.get(query);
      return asked === undefined ? null : measureOf(asked, script, roleOf, at, history);
    },
    scraped: (selector, at, lookbackMs) => {
      const metrics = plans.find((known) => known.metrics?.requests === selector)?.metrics;
      if (metrics == null) return null;
      return slots.scraped(at, lookbackMs).map(({ instance, code, ...sample }) => ({
        ...sample,
        labels: { ...labelsOf(selector), [metrics.trackLabel]: instance.release.label, code, instance: instance.dial },
      }));
    },
  });

  const slotAt = (dial: string): string | null =>
    Object.entries(places.slots).find(([, address]) => address === dial)?.[0] ?? null;

  function routeTruth(config: Tree, now: number): RouteTruth {
    const visit: Visit = { host: visitHost(places), path: visitPath(places), headers: {} };
    const port = new URL(places.public).port;
    const users = meetingUnder(config, port, visit);
    const traffic = (users?.shares ?? []).map(({ dial, bp }): Traffic => {
      const slot = slotAt(dial);
      const instance = slot === null ? null : slots.at(slot);
      const served = instance !== null && slot !== null && slots.look(slot, now).ready;
      return { dial, slot, digest: instance?.release.digest ?? null, bp, served };
    });
    const { preview } = plan.target;
    const testers = preview && meetingUnder(config, port, { ...visit, headers: { [preview.header]: preview.value } });
    const isApart = testers !== null && testers.path !== users?.path;
    const tested = isApart ? slotAt(testers.shares[0]?.dial ?? '') : null;
    return { traffic, claim: claimIn(config, Object.values(places.slots)), preview: tested };
  }

  // ── Time ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  let last = facts.began;
  const pending = new Set<ProxyEvent>(script.proxy);
  const happen = (event: ProxyEvent, at: number) => {
    if (event.do === 'restart') caddy.restart(event, at);
    isDirty = true;
  };
  /** Paces and peaks by what is so at this moment. */
  const settle = (at: number) => {
    isDirty = false;
    const { traffic } = routeTruth(caddy.config(), at);
    const bp = shareIn(traffic, plan.release.digest);
    if (bp > (peaks.at(-1)?.bp ?? 0)) peaks.push({ at, bp });
    slots.pace(traffic, at);
  };
  const nextMoment = () =>
    nextAfter(
      [...momentsOf([script.milliRequests]), ...slots.moments(), ...[...pending].map(({ when }) => when)],
      last,
      history,
    );
  let next = 0;
  const advance = (now: number) => {
    while (next <= now) {
      last = Math.max(last, next);
      for (const event of pending) {
        const at = timeOf(event.when, history);
        if (at === null || at > last) continue;
        pending.delete(event);
        happen(event, last);
      }
      settle(last);
      next = nextMoment();
    }
    last = Math.max(last, now);
  };
  const inTime = (host: Host): Host => ({
    answer(request, now) {
      advance(now);
      try {
        return host.answer(request, now);
      } finally {
        if (isDirty) {
          settle(now);
          next = nextMoment();
        }
      }
    },
  });

  hook.seed('a', stable, facts.began - 3_600_000);
  next = facts.began;
  advance(facts.began);

  const hosts = new Map<string, Host>([
    [originOf(places.admin), inTime(caddy.admin)],
    [originOf(places.public), inTime(caddy.public)],
    [originOf(places.hook), inTime(hook)],
    ...Object.values(places.slots).flatMap((dial): [string, Host][] => {
      const host = slots.host(dial);
      return host === undefined ? [] : [[`http://${dial}`, inTime(host)]];
    }),
    ...places.webhooks.map((url): [string, Host] => [originOf(url), inTime(webhook(notices))]),
  ]);
  if (places.prometheus !== null) hosts.set(originOf(places.prometheus), inTime(prometheus));
  if (places.persistHook !== null) hosts.set(originOf(places.persistHook), inTime(persistHook(caddy.writeFile)));

  return {
    host: (origin) => hosts.get(origin),
    truth(now) {
      advance(now);
      const route = routeTruth(caddy.config(), now);
      return { ...route, slots: hook.slots(now), hostFence: hook.fence(), shares: sharesIn(route.traffic) };
    },
    writes: () => writes,
    stable,
    timeOf: (when) => timeOf(when, history),
    notices: () => notices,
    know(more) {
      plans.push(more);
      queries = new Map([...queries, ...queriesOf(more, [stable, plan.release, more.release])]);
    },
  };
}

function originOf(url: string): string {
  return new URL(url).origin;
}

/** A made-up release of the plan's service, always the same for a label. */
export function releaseNamed(plan: Plan, label: string): Release {
  const digest = createHash('sha256').update(`${plan.service}:${label}`).digest('hex');
  return { digest: `sha256:${digest}`, label, image: plan.release.image };
}

/** As users have it before Sluice comes: a plain route to the slot that serves. */
function firstConfig({ admin, public: users, server, host, path, slots }: Places): Tree {
  const match = { ...(host !== null && { host: [host] }), ...(path !== null && path !== '/*' && { path: [path] }) };
  const route: Tree = {
    ...(Object.keys(match).length > 0 && { match: [match] }),
    handle: [{ handler: 'reverse_proxy', upstreams: [{ dial: Object.values(slots)[0] ?? '' }] }],
    terminal: true,
  };
  return {
    admin: { listen: new URL(admin).host },
    apps: { http: { servers: { [server]: { listen: [new URL(users).host], routes: [route] } } } },
  };
}

function visitHost({ host, public: users }: Places): string {
  return (host ?? new URL(users).hostname).replace('*', 'any').toLowerCase();
}

function visitPath({ path }: Places): string {
  return (path ?? '/').replace('*', '');
}

function authorOf(by: HttpRequest | 'restart', before: RouteTruth, after: RouteTruth): 'rollout' | 'hand' | 'restart' {
  if (by === 'restart') return 'restart';
  const isNew = after.claim !== null && JSON.stringify(after.claim) !== JSON.stringify(before.claim);
  return isNew ? 'rollout' : 'hand';
}

/** Equality matchers of a selector, and its name: what its series carry too. */
function labelsOf(selector: string): Record<string, string> {
  const name = /^[A-Za-z_:][\w:]*/.exec(selector)?.[0];
  const matchers = [...selector.matchAll(/([A-Za-z_]\w*)\s*=\s*"([^"]*)"/g)];
  return {
    ...(name !== undefined && { __name__: name }),
    ...Object.fromEntries(matchers.map(([, key = '', value = '']) => [key, value])),
  };
}

function webhook(notices: { at: number; body: string }[]): Host {
  return {
    answer(request, now) {
      notices.push({ at: now, body: request.body ?? '' });
      return { status: 204, headers: {}, body: '' };
    },
  };
}

/** The operator's own: takes the configuration it is told into Caddy's file. */
function persistHook(writeFile: (config: Tree) => void): Host {
  return {
    answer(request) {
      const { config } = JSON.parse(request.body ?? '{}') as { config?: Tree };
      writeFile(config ?? null);
      return json(200, {});
    },
  };
}
