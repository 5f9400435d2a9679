/** Free loopback ports that stay free until the server that gets them has started. */

import { createServer } from 'node:net';

// Below the range that Linux and macOS take outgoing connections from: no client socket can steal a port meanwhile.
const lowest = 20_000;
const highest = 31_999;
const handedOut = new Set<number>();

/** A TCP port on 127.0.0.1 that nobody listens on and that this process has not handed out before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1));
    if (handedOut.has(port)) continue;
    if (!(await isFree(port))) continue;
    handedOut.add(port);
    return port;
  }
  throw new Error(`no free port on 127.0.0.1 between ${lowest} and ${highest}`);
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
