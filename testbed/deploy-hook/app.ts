/** The hook's HTTP door: bodies are checked, refusals have codes. */

import { Hono } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';
import { deploySchema, Fenced, removeSchema } from './contract.ts';
import type { Host } from './host.ts';

export interface HookDoor {
  readonly host: Host;
  /** Bearer token that callers must send; `null` lets everybody in. */
  readonly token: string | null;
}

export function hookApp({ host, token }: HookDoor): Hono {
  const app = new Hono();
  app.get('/healthz', (c) => c.json({ ok: true }));
  if (token !== null) app.use('/slots/*', bearerAuth({ token }));

  app.get('/slots', async (c) => c.json({ slots: await host.slots() }));

  app.use('/slots/:slot', async (c, next) => {
    if (host.names.includes(c.req.param('slot'))) return next();
    return c.json({ code: 'missing', message: `there is no slot of this name; slots: ${host.names.join(', ')}` }, 404);
  });
  app.put('/slots/:slot', async (c) => {
    const wanted = deploySchema.safeParse(await c.req.json<unknown>().catch(() => null));
    if (!wanted.success) return c.json({ code: 'invalid', message: z.prettifyError(wanted.error) }, 422);
    return c.json(await host.deploy(c.req.param('slot'), wanted.data));
  });
  app.delete('/slots/:slot', async (c) => {
    const asked = removeSchema.safeParse(c.req.query());
    if (!asked.success) return c.json({ code: 'invalid', message: z.prettifyError(asked.error) }, 422);
    return c.json(await host.remove(c.req.param('slot'), asked.data));
  });

  app.onError((error, c) => {
    if (error instanceof Fenced) return c.json({ code: 'fenced', fence: error.fence }, 409);
    if (error instanceof HTTPException) return error.getResponse(); // a wrong token
    process.stderr.write(`${error.stack ?? error.message}\n`);
    return c.json({ code: 'internal', message: 'see the log of the hook' }, 500);
  });
  return app;
}
