/** Faults on the parts of a running plane, asked for over loopback: tests run in other processes than the one that started it. */

import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { createServer } from 'node:http';
import { ask } from '../servers/http.ts';
import { freePort } from '../servers/ports.ts';
import type { Lives } from '../servers/process.ts';

export const partNames = ['etcd', 'apiserver', 'controllers', 'kubelet', 'contour', 'envoy', 'prometheus'] as const;
export type PartName = (typeof partNames)[number];

/** A part that can be disturbed; each call returns when it is done. */
export interface Part {
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, on its old data and ports; returns when it is ready. */
  start(): Promise<void>;
  /** SIGSTOP: alive, answering nobody. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

const actions = {
  kill: (lives: Lives) => lives.kill(),
  start: (lives: Lives) => lives.restart(),
  pause: async (lives: Lives) => lives.process().pause(),
  resume: async (lives: Lives) => lives.process().resume(),
};

export interface PartsDoor {
  readonly url: string;
  stop(): Promise<void>;
}

export async function serveParts(parts: Partial<Record<PartName, Lives>>): Promise<PartsDoor> {
  const app = new Hono();
  for (const [name, lives] of Object.entries(parts)) {
    for (const [action, run] of Object.entries(actions)) {
      app.post(`/${name}/${action}`, async (c) => {
        await run(lives);
        return c.body(null, 204);
      });
    }
  }
  app.onError((error, c) => c.text(error.message, 500));
  const port = await freePort();
  const listener = getRequestListener(app.fetch);
  const server = createServer((incoming, answer) => void listener(incoming, answer));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

export function partAt(url: string, name: PartName): Part {
  const call = async (action: keyof typeof actions) => {
    const answer = await ask(`${url}/${name}/${action}`, { method: 'POST', timeoutMs: 60_000 });
    if (answer.status !== 204) throw new Error(`${action} ${name}: ${answer.status} ${answer.body}`);
  };
  return {
    kill: () => call('kill'),
    start: () => call('start'),
    pause: () => call('pause'),
    resume: () => call('resume'),
  };
}
