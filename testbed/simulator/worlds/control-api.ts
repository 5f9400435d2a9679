/** A control API in front of the world's proxy and host, for plans whose target is a declared one: as the operator of a rehearsal has declared it. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { JsonValue } from '../../../plan/plan.ts';
import type { HttpTargetPlan } from '../../../plan/target.ts';
import type { HttpRequest } from '../../../providers/ports.ts';
import { reduce } from '../../../providers/targets/caddy/weights.ts';
import type { HttpConnection } from '../../../spec/worker-config.ts';
import type { Caddy } from './caddy.ts';
import type { HookHost } from './hook.ts';
import { type Answer, headerOf, type Host, json, textOf, urlOf } from './host.ts';
import type { Places } from './places.ts';
import type { Route } from './route.ts';
import { byControlApi } from './truth.ts';

const origin = 'http://127.0.0.1:2020';

/** Stores claims and refuses what was not read: a rehearsal is about the rollout, not about the API. */
export function controlConnection({ route, preview }: HttpTargetPlan): HttpConnection {
  const call = (method: string, path: string, value: JsonValue | null = null) => ({
    method,
    url: `${origin}${path}`,
    headers: {},
    body: value === null ? null : { kind: 'json' as const, value },
    expect: [],
  });
  const start = (name: string) =>
    call('POST', '/members', {
      release: { digest: `{{${name}.digest}}`, label: `{{${name}.label}}`, image: `{{${name}.image}}` },
      ...{ rollout: '{{rollout}}', run: '{{run}}', fence: '{{fence}}' },
    });
  const weights = { '{{stable.digest}}': '{{stableBp}}', '{{release.digest}}': '{{canaryBp}}' };
  const member = { digest: '$.digest', label: '$.label', image: '$.image', weight: '$.bp' };
  return {
    ...{ kind: 'http', public: 'http://127.0.0.1:8080', auth: null, affinity: false, preview },
    ...{ granularityBp: 1, withinMs: 10_000, settlesMs: 30_000 },
    routes: { [route]: { values: {} } },
    calls: {
      read: {
        ...call('GET', '/members'),
        find: {
          unit: 'basis-points',
          places: [{ each: '$.members[*]', ...member, ready: { path: '$.ready', is: true } }],
          claim: '$.note',
          version: { header: 'etag' },
        },
      },
      setWeights: {
        ...call('PUT', '/weights', { weights, note: '{{claim}}' }),
        headers: { 'if-match': '{{version}}' },
      },
      deploy: start('release'),
      restore: start('stable'),
      retire: call('DELETE', '/members/{{loser.digest}}?rollout={{rollout}}&fence={{fence}}'),
      ...{ ensureCapacity: null, confirm: null, promote: null },
    },
  };
}

const weighing = z.object({ weights: z.record(z.string(), z.int().min(0).max(10_000)), note: z.string() });
const starting = z.object({ release: z.object({ digest: z.string() }) });

export interface Behind {
  readonly places: Places;
  readonly caddy: Caddy;
  readonly hook: HookHost;
  readonly route: Route;
}

export function createControlApi({ places, caddy, hook, route }: Behind): Host {
  let note = '';
  const [first = 'a', second = 'b'] = Object.keys(places.slots);
  const shareOf = (slot: string, now: number): number =>
    route.under(caddy.config(), now).traffic.reduce((sum, part) => sum + (part.slot === slot ? part.bp : 0), 0);
  const shown = (now: number) => {
    const members = Object.entries(hook.slots(now)).flatMap(([slot, { release, ready }]) =>
      release === null ? [] : [{ slot, ...release, bp: shareOf(slot, now), ready }],
    );
    const state = { members, note };
    return { state, etag: `"${createHash('sha256').update(JSON.stringify(state)).digest('hex').slice(0, 16)}"` };
  };
  const slotOf = (digest: string, now: number): string | null =>
    shown(now).state.members.find((member) => member.digest === digest)?.slot ?? null;

  const weigh = (request: HttpRequest, now: number): Answer => {
    if (headerOf(request, 'if-match') !== shown(now).etag) return json(412, { error: 'somebody has changed it' });
    const asked = weighing.safeParse(JSON.parse(textOf(request)));
    if (!asked.success) return json(422, { error: z.prettifyError(asked.error) });
    const given = Object.entries(asked.data.weights).map(([digest, bp]) => [slotOf(digest, now), bp] as const);
    if (given.some(([slot, bp]) => slot === null && bp > 0)) return json(422, { error: 'it is not a member' });
    const bp = (slot: string): number => given.find(([name]) => name === slot)?.[1] ?? 0;
    const { a, b } = reduce({ a: bp(first), b: bp(second) });
    const path = route.proxyAt(caddy.config());
    if (path === null) return json(422, { error: 'there is no proxy for it' });
    const proxy = {
      handler: 'reverse_proxy',
      upstreams: [first, second].map((slot) => ({ dial: places.slots[slot] })),
      load_balancing: { selection_policy: { policy: 'weighted_round_robin', weights: [a, b] } },
    };
    const written = caddy.admin.answer(
      {
        ...request,
        method: 'PATCH',
        url: `${places.admin}${path}`,
        headers: byControlApi,
        body: JSON.stringify(proxy),
      },
      now,
    );
    if (written.status === 200) note = asked.data.note;
    return written;
  };
  const start = (request: HttpRequest, now: number): Answer => {
    const asked = starting.safeParse(JSON.parse(textOf(request)));
    if (!asked.success) return json(422, { error: z.prettifyError(asked.error) });
    const idle = [second, first].find((slot) => shareOf(slot, now) === 0);
    const slot = slotOf(asked.data.release.digest, now) ?? idle;
    if (slot === undefined) return json(422, { error: 'every slot has traffic' });
    return hook.answer({ ...request, method: 'PUT', url: `${places.hook}/slots/${slot}` }, now);
  };
  const stop = (request: HttpRequest, digest: string, now: number): Answer => {
    const slot = slotOf(digest, now);
    if (slot === null) return json(200, {});
    if (shareOf(slot, now) > 0) return json(422, { error: 'it has traffic' });
    return hook.answer({ ...request, url: `${places.hook}/slots/${slot}${urlOf(request.url).search}` }, now);
  };

  return {
    answer(request, now) {
      if (!caddy.isUp()) return json(503, { error: 'the proxy is away' });
      const [, what = '', of = ''] = urlOf(request.url).pathname.split('/');
      switch (`${request.method} ${what}`) {
        case 'GET members': {
          const { state, etag } = shown(now);
          return { ...json(200, state), headers: { 'content-type': 'application/json', etag } };
        }
        case 'PUT weights':
          return weigh(request, now);
        case 'POST members':
          return start(request, now);
        case 'DELETE members':
          return stop(request, decodeURIComponent(of), now);
        default:
          return json(404, { error: 'there is no such call' });
      }
    },
  };
}

/** Where it is reached. */
export const controlOrigin = origin;
