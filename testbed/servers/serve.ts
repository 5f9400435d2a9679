/** Serves a Hono app on loopback until SIGTERM, answering what is in flight first. */

import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';

/** Returns when it listens; the process ends by itself after SIGTERM. */
export async function serveUntilTerminated(app: Hono, port: number): Promise<void> {
  const listener = getRequestListener(app.fetch);
  const server = createServer((incoming, answer) => void listener(incoming, answer));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  process.once('SIGTERM', () => {
    // A connection that becomes idle only now would otherwise stay open for its keep-alive time.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    server.close(() => clearInterval(sweep));
  });
}
