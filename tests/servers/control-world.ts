/** A world whose services are moved through a control API of their own, declared to the worker in three ways, behind a recorder. */

import { join } from 'node:path';
import { type ControlApi, startControlApi } from '../../testbed/control-api/api.ts';
import { createPool } from '../../testbed/control-api/pool.ts';
import { type Recorder, startRecorder } from '../../testbed/recorder.ts';
import { ask } from '../../testbed/servers/http.ts';
import { waitFor } from '../../testbed/wait.ts';
import type { World } from '../../testbed/world.ts';

export interface ControlWorld {
  /** In front of the API: what Sluice asked, and what disturbs it. */
  readonly recorder: Recorder;
  readonly api: ControlApi;
  /** Connections of the worker by what the API is declared to store. */
  readonly connections: Readonly<Record<Connection, unknown>>;
  /** Shares of a label as the API carried them out, one after the other, percent. */
  percents(service: string, label?: string): readonly number[];
  /** The share that users get now. */
  percentNow(service: string, label?: string): Promise<number>;
  /** Somebody changes the weights, past the recorder. */
  setByHand(service: string, percent: number): Promise<void>;
  stop(): Promise<void>;
}

/** `plain`: weights only; `noted`: a claim too; `conditional`: and writes only on what was read. */
export type Connection = 'plain' | 'noted' | 'conditional';

export async function startControlWorld(world: World, folder: string): Promise<ControlWorld> {
  const pools = world.services.map(({ name, host, slots, recorder }) => {
    const dials = { a: slots.a.address, b: slots.b.address };
    return [
      name,
      createPool({ name, host, slots: dials, caddyAdmin: world.caddy.adminUrl, hook: recorder.url }),
    ] as const;
  });
  const api = await startControlApi(Object.fromEntries(pools));
  const recorder = await startRecorder({ upstream: api.url, logFile: join(folder, 'control-calls.jsonl') });
  const names = pools.map(([name]) => name);
  const of = (stores: { note: boolean; version: boolean }) =>
    connectionFor(recorder.url, world.publicUrl, names, stores);
  return {
    recorder,
    api,
    connections: {
      plain: of({ note: false, version: false }),
      noted: of({ note: true, version: false }),
      conditional: of({ note: true, version: true }),
    },
    percents: (service, label = 'v2') =>
      api.weighed(service).map(({ weights }) => weights[world.digest(service, label)] ?? 0),
    percentNow: async (service, label = 'v2') => {
      const { members } = JSON.parse((await read(api, service)).body) as {
        members: { digest: string; percent: number }[];
      };
      return members.find(({ digest }) => digest === world.digest(service, label))?.percent ?? 0;
    },
    setByHand: async (service, percent) => {
      const { note } = JSON.parse((await read(api, service)).body) as { note: string };
      const [v1, v2] = [world.digest(service, 'v1'), world.digest(service, 'v2')];
      const json = { weights: { [v1]: 100 - percent, [v2]: percent }, note };
      const answer = await ask(`${api.url}/pools/${service}/weights`, { method: 'PUT', json, timeoutMs: 30_000 });
      if (answer.status !== 204) throw new Error(`by hand: ${answer.status} ${answer.body}`);
    },
    stop: async () => {
      await recorder.stop();
      await api.stop();
    },
  };
}

function read(api: ControlApi, service: string) {
  return waitFor(() => ask(`${api.url}/pools/${service}`).catch(() => null), { for: `the pool of ${service}` });
}

function connectionFor(
  url: string,
  users: string,
  names: readonly string[],
  stores: { note: boolean; version: boolean },
) {
  const pool = `${url}/pools/{{value.pool}}`;
  const { note, version } = stores;
  return {
    kind: 'http',
    public: users,
    granularity: '1%',
    within: '5s',
    settles: '8s',
    routes: Object.fromEntries(names.map((name) => [name, { values: { pool: name } }])),
    calls: {
      read: {
        url: pool,
        find: {
          places: [
            { each: '$.members[*]', digest: '$.digest', label: '$.version', weight: '$.percent', ready: '$.healthy' },
          ],
          ...(note && { claim: '$.note' }),
          ...(version && { version: { header: 'etag' } }),
        },
      },
      setWeights: {
        method: 'PUT',
        url: `${pool}/weights`,
        ...(version && { headers: { 'if-match': '{{version}}' } }),
        json: {
          weights: { '{{stable.digest}}': '{{stablePercent}}', '{{release.digest}}': '{{canaryPercent}}' },
          ...(note && { note: '{{claim}}' }),
        },
        expect: [204],
      },
      deploy: {
        url: `${pool}/members`,
        json: { digest: '{{release.digest}}', label: '{{release.label}}', image: '{{release.image}}' },
      },
      retire: { method: 'DELETE', url: `${pool}/members/{{loser.digest}}` },
    },
  };
}
