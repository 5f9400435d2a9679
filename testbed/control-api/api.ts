/** An example of an API that moves traffic and is not Sluice's: pools with members, percents, a note and a version. */

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { z } from 'zod';
import { freePort } from '../servers/ports.ts';
import type { Pool } from './pool.ts';

/** One write of weights that it carried out. */
export interface Weighed {
  readonly at: number;
  readonly pool: string;
  readonly weights: Readonly<Record<string, number>>;
}

export interface ControlApi {
  readonly url: string;
  /** In the order in which they had their effect. */
  weighed(pool: string): readonly Weighed[];
  stop(): Promise<void>;
}

const weighing = z.object({ weights: z.record(z.string(), z.number().min(0).max(100)), note: z.string().default('') });
const adding = z.object({ digest: z.string(), label: z.string(), image: z.string() });

export async function startControlApi(pools: Readonly<Record<string, Pool>>): Promise<ControlApi> {
  const log: Weighed[] = [];
  const listener = getRequestListener(appOf(pools, log).fetch);
  const server = createServer((incoming, answer) => void listener(incoming, answer));
  const port = await freePort();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    weighed: (pool) => log.filter((write) => write.pool === pool),
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function appOf(pools: Readonly<Record<string, Pool>>, log: Weighed[]): Hono {
  const app = new Hono();
  const notes = new Map<string, string>();
  const queues = new Map(Object.keys(pools).map((name) => [name, turns()]));
  const shown = async (name: string, pool: Pool) => {
    const state = { members: await pool.members(), note: notes.get(name) ?? '' };
    return { state, etag: `"${createHash('sha256').update(JSON.stringify(state)).digest('hex').slice(0, 16)}"` };
  };
  const onPool = (act: (c: Context, name: string, pool: Pool) => Promise<Response>) => async (c: Context) => {
    const name = c.req.param('pool') ?? '';
    const pool = Object.hasOwn(pools, name) ? pools[name] : undefined;
    const inTurn = queues.get(name);
    if (pool === undefined || inTurn === undefined) return c.json({ error: 'no such pool' }, 404);
    return inTurn(() => act(c, name, pool));
  };
  const answered = (c: Context, why: string | null) => (why === null ? c.body(null, 204) : c.json({ error: why }, 422));

  app.get(
    '/pools/:pool',
    onPool(async (c, name, pool) => {
      const { state, etag } = await shown(name, pool);
      return c.json(state, 200, { etag });
    }),
  );
  app.put(
    '/pools/:pool/weights',
    onPool(async (c, name, pool) => {
      const asked = weighing.safeParse(await c.req.json<unknown>().catch(() => null));
      if (!asked.success) return c.json({ error: z.prettifyError(asked.error) }, 422);
      const condition = c.req.header('if-match');
      if (condition !== undefined && condition !== (await shown(name, pool)).etag)
        return c.json({ error: 'changed' }, 412);
      const { weights, note } = asked.data;
      const why = await pool.weigh(weights);
      if (why === null) {
        notes.set(name, note);
        log.push({ at: Date.now(), pool: name, weights });
      }
      return answered(c, why);
    }),
  );
  app.post(
    '/pools/:pool/members',
    onPool(async (c, _, pool) => {
      const asked = adding.safeParse(await c.req.json<unknown>().catch(() => null));
      return asked.success
        ? answered(c, await pool.add(asked.data))
        : c.json({ error: z.prettifyError(asked.error) }, 422);
    }),
  );
  app.delete(
    '/pools/:pool/members/:digest',
    onPool(async (c, _, pool) => answered(c, await pool.remove(c.req.param('digest') ?? ''))),
  );
  return app;
}

/** One at a time, so that a condition and its write are one. */
function turns(): <T>(act: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const next = last.then(act);
    last = next.catch(() => undefined);
    return next;
  };
}
