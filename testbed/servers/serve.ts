/** Serves a Hono app on loopback until SIGTERM, answering what is in flight first. */

import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';

/** What answers a request for another protocol. */
export type Upgrade = (asked: IncomingMessage, connection: Duplex, head: Buffer) => void;

/** Returns when it listens; the process ends by itself after SIGTERM. */
export async function serveUntilTerminated(app: Hono, port: number, upgrade?: Upgrade): Promise<void> {
  const listener = getRequestListener(app.fetch);
  const quiet = new Set<Socket>();
  const server = createServer((incoming, answer) => {
    const { socket } = incoming;
    quiet.delete(socket);
    answer.once('close', () => socket.destroyed || quiet.add(socket));
    void listener(incoming, answer);
  });
  server.on('connection', (socket) => {
    quiet.add(socket);
    socket.once('close', () => quiet.delete(socket));
  });
  if (upgrade !== undefined) server.on('upgrade', upgrade);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  process.once('SIGTERM', () => {
    // Node's own `closeIdleConnections` spares those that never carried a request, and proxies keep such in stock.
    const sweep = setInterval(() => quiet.forEach((socket) => socket.destroy()), 50);
    server.close(() => clearInterval(sweep));
  });
}
