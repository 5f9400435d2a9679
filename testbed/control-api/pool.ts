/** One pool of the example control API: a service's route in a real Caddy and the releases that its deploy hook runs. */

import { isDeepStrictEqual } from 'node:util';
import type { SlotState } from '../deploy-hook/contract.ts';
import { type Answer, ask, type AskOptions } from '../servers/http.ts';
import { waitFor } from '../wait.ts';

export interface PoolPlaces {
  readonly name: string;
  /** What Caddy matches. */
  readonly host: string;
  /** `host:port` by slot. */
  readonly slots: Readonly<Record<string, string>>;
  readonly caddyAdmin: string;
  readonly hook: string;
}

/** A release in its slot, with the share that Caddy gives it. */
export interface Member {
  readonly digest: string;
  readonly version: string;
  readonly percent: number;
  readonly healthy: boolean;
}

export interface Pool {
  /** As Caddy and the hook have it now. */
  members(): Promise<readonly Member[]>;
  /** Percent by digest; a release that is in no slot may only be given 0. Returns why not, or `null`. */
  weigh(weights: Readonly<Record<string, number>>): Promise<string | null>;
  /** Starts a release where nobody has traffic. Returns why not, or `null`. */
  add(release: { readonly digest: string; readonly label: string; readonly image: string }): Promise<string | null>;
  /** Stops a release that has no traffic. Returns why not, or `null`. */
  remove(digest: string): Promise<string | null>;
}

const routes = '/config/apps/http/servers/srv0/routes';

export function createPool(places: PoolPlaces): Pool {
  const { slots, caddyAdmin, hook } = places;
  let fence = Date.now();
  const states = async () =>
    (JSON.parse((await patiently(`${hook}/slots`)).body) as { slots: Record<string, SlotState> }).slots;

  const proxyPath = async (): Promise<string> => {
    const all = JSON.parse((await patiently(`${caddyAdmin}${routes}`)).body) as unknown[];
    const index = all.findIndex((route) => JSON.stringify(route).includes(`"${places.host}"`));
    return `${caddyAdmin}${routes}/${index}/handle/0`;
  };
  const bySlot = async (): Promise<Record<string, number>> => {
    const proxy = JSON.parse((await patiently(await proxyPath())).body) as Proxy;
    const weights = proxy.load_balancing?.selection_policy?.weights ?? [1];
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const percent = (dial: string): number => {
      const index = proxy.upstreams.findIndex((upstream) => upstream.dial === dial);
      return index < 0 ? 0 : ((weights[index] ?? 0) * 100) / total;
    };
    return Object.fromEntries(Object.entries(slots).map(([slot, dial]) => [slot, percent(dial)]));
  };
  const write = async (percents: Readonly<Record<string, number>>): Promise<void> => {
    const proxy: Proxy = {
      handler: 'reverse_proxy',
      upstreams: Object.values(slots).map((dial) => ({ dial })),
      load_balancing: {
        selection_policy: {
          policy: 'weighted_round_robin',
          weights: dealt(Object.keys(slots).map((slot) => percents[slot] ?? 0)),
        },
      },
    };
    await patiently(await proxyPath(), { method: 'PATCH', json: proxy });
  };

  const membersNow = async (): Promise<readonly (Member & { readonly slot: string })[]> => {
    const [percents, found] = [await bySlot(), await states()];
    return Object.entries(found).flatMap(([slot, { release, ready }]) =>
      release === null
        ? []
        : [{ slot, digest: release.digest, version: release.label, percent: percents[slot] ?? 0, healthy: ready }],
    );
  };

  return {
    members: async () =>
      (await membersNow()).map(({ digest, version, percent, healthy }) => ({ digest, version, percent, healthy })),
    async weigh(weights) {
      const present = await membersNow();
      const slotOf = (digest: string) => present.find((member) => member.digest === digest)?.slot ?? null;
      const given = Object.entries(weights).map(([digest, percent]) => ({ slot: slotOf(digest), percent }));
      if (given.some(({ slot, percent }) => slot === null && percent > 0)) return 'a release that is not here';
      if (given.reduce((sum, { percent }) => sum + percent, 0) !== 100) return 'the weights are not 100 together';
      const percents = Object.fromEntries(
        given.flatMap(({ slot, percent }) => (slot === null ? [] : [[slot, percent]])),
      );
      if (!isDeepStrictEqual(await bySlot(), percents)) await write(percents);
      return null;
    },
    async add(release) {
      const present = await membersNow();
      if (present.some(({ digest }) => digest === release.digest)) return null;
      const percents = await bySlot();
      const idle = Object.keys(slots).find((slot) => percents[slot] === 0);
      if (idle === undefined) return 'no slot is without traffic';
      fence += 1;
      const json = { release, rollout: 'control-api', run: 'control-api', fence };
      return refusal(await patiently(`${hook}/slots/${idle}`, { method: 'PUT', json, timeoutMs: 30_000 }));
    },
    async remove(digest) {
      const found = (await membersNow()).find((member) => member.digest === digest);
      if (found === undefined) return null;
      if (found.percent > 0) return 'it has traffic';
      fence += 1;
      const url = `${hook}/slots/${found.slot}?rollout=control-api&fence=${fence}`;
      return refusal(await patiently(url, { method: 'DELETE', timeoutMs: 30_000 }));
    },
  };
}

interface Proxy {
  readonly handler: 'reverse_proxy';
  readonly upstreams: readonly { readonly dial: string }[];
  readonly load_balancing?: {
    readonly selection_policy?: { readonly policy: string; readonly weights?: readonly number[] };
  };
}

/** Caddy deals weights in runs: with 75 and 25 a hundred requests would have to come before the second gets its share. */
function dealt(percents: readonly number[]): readonly number[] {
  const gcd = (left: number, right: number): number => (right === 0 ? left : gcd(right, left % right));
  const divisor = percents.reduce(gcd, 0);
  return percents.map((percent) => percent / divisor);
}

function refusal({ status, body }: Answer): string | null {
  return status === 200 ? null : `the hook says ${status}: ${body}`;
}

/** Caddy drops admin connections while it takes over a new configuration; everything here may come twice. */
function patiently(url: string, options: AskOptions = {}): Promise<Answer> {
  return waitFor(() => ask(url, options).catch(() => null), { for: `an answer of ${url}`, withinMs: 30_000 });
}
