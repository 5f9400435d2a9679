/** The demo service's help desk: sessions, chats, tickets, uploads and signed calls, for suites that have more to check than a greeting. */

import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { z } from 'zod';
import { sawKey } from './request-log.ts';

/** What callers must know; made up, the same in every world. */
export const deskSecrets = {
  password: 'open-sesame-7f3a91',
  signing: 'desk-signing-key-51c2',
  token: 'desk.token.9b07e4',
};

const user = 'smoke';
const login = z.object({ user: z.literal(user), password: z.literal(deskSecrets.password) });
const inSession = z.object({ sessionId: z.string() });
const ticket = inSession.extend({ subject: z.string().min(1) });

export interface Desk {
  readonly routes: Hono;
  /** Whether a WebSocket may be opened with this cookie header and this token. */
  readonly mayConnect: (cookies: string, token: string | null) => boolean;
}

export function desk(): Desk {
  const visitors = new Set<string>();
  const sessions = new Set<string>();
  const tickets = new Set<string>();
  const routes = new Hono();

  routes.post('/login', async (c) => {
    if (!login.safeParse(await jsonOf(c)).success) return c.json({ error: 'wrong password' }, 401);
    const visitor = randomUUID();
    visitors.add(visitor);
    setCookie(c, 'visitor', visitor, { httpOnly: true });
    return c.json({ user });
  });
  routes.get('/account', (c) => {
    return visitors.has(getCookie(c, 'visitor') ?? '') ? c.json({ user }) : c.json({ error: 'who are you?' }, 401);
  });

  routes.post('/api/greeting', (c) => {
    const sessionId = randomUUID();
    sessions.add(sessionId);
    saw(c, { sessionId });
    return c.json({ ok: true, sessionId });
  });
  for (const path of ['/api/validate', '/api/chat']) {
    routes.post(path, async (c) => {
      const asked = inSession.safeParse(await jsonOf(c));
      saw(c, asked.data ?? {});
      return sessions.has(asked.data?.sessionId ?? '') ? c.json({ ok: true }) : c.json({ error: 'no session' }, 404);
    });
  }
  routes.post('/api/tickets', async (c) => {
    const asked = ticket.safeParse(await jsonOf(c));
    saw(c, asked.data ?? {});
    if (!sessions.has(asked.data?.sessionId ?? '')) return c.json({ error: 'no session' }, 404);
    const ticketId = randomUUID();
    tickets.add(ticketId);
    return c.json({ ticketId }, 201);
  });
  routes.delete('/api/tickets/:id', (c) => {
    return tickets.delete(c.req.param('id')) ? c.body(null, 204) : c.json({ error: 'no such ticket' }, 404);
  });

  routes.post('/api/photos', async (c) => {
    const sessionId = c.req.header('x-session-id') ?? '';
    const { image, title } = await c.req.parseBody();
    const isFile = image instanceof File;
    saw(c, {
      sessionId,
      title: typeof title === 'string' ? title : '',
      image: isFile ? `${image.name} ${image.type} ${String(image.size)}` : '',
    });
    return sessions.has(sessionId) && isFile ? c.json({ ok: true }) : c.json({ error: 'no photo' }, 422);
  });
  routes.post('/webhooks/desk', async (c) => {
    const isTrue = isSigned(await c.req.text(), c.req.header('x-hub-signature-256') ?? '');
    return isTrue ? c.json({ ok: true }, 202) : c.json({ error: 'not signed' }, 401);
  });
  // As careless services do: what a stranger sends is told to whoever reads the answer.
  routes.get('/api/logs', (c) => {
    const token = c.req.query('token') ?? '';
    return c.json({ lines: [`asked with token ${token}`], filler: '.'.repeat(2_000) });
  });

  const mayConnect = (cookies: string, token: string | null) => {
    const visitor = /(?:^|;\s*)visitor=([^;]+)/.exec(cookies)?.[1] ?? '';
    return visitors.has(visitor) || token === deskSecrets.token;
  };
  return { routes, mayConnect };
}

/** For the log: what a request brought along. */
function saw(c: Context, facts: Readonly<Record<string, string>>): void {
  c.set(sawKey, facts);
}

async function jsonOf(c: Context): Promise<unknown> {
  return c.req.json<unknown>().catch(() => null);
}

function isSigned(body: string, header: string): boolean {
  const right = Buffer.from(`sha256=${createHmac('sha256', deskSecrets.signing).update(body).digest('hex')}`);
  const given = Buffer.from(header);
  return given.length === right.length && timingSafeEqual(given, right);
}
