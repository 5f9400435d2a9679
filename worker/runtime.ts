/** The SDK's own runtime: its logs through our logger, its metrics on a port of their own behind ours. */

import { createServer, type AddressInfo } from 'node:net';
import { Runtime, type RuntimeOptions } from '@temporalio/worker';
import type { Http } from '../providers/ports.ts';
import { sdkLogger, type Log } from './logger.ts';

export interface SdkMetrics {
  /** Series with the prefix `temporal_`, or a comment that says why there are none. */
  text(): Promise<string>;
}

const timeoutMs = 2_000;
const tries = 5;
const maxBytes = 8 * 1024 * 1024;

/** Once per process and before any connection. */
export async function installRuntime(log: Log, http: Http): Promise<SdkMetrics> {
  for (let left = tries; ; left--) {
    const bindAddress = `127.0.0.1:${await freePort()}`;
    try {
      Runtime.install(optionsFor(log, bindAddress));
      return { text: () => fetched(http, `http://${bindAddress}/metrics`) };
    } catch (error) {
      // Somebody may have taken the port since it was found free.
      if (left <= 1) throw error;
    }
  }
}

function optionsFor(log: Log, bindAddress: string): RuntimeOptions {
  return {
    logger: sdkLogger(log),
    // Stopping is ours: both workers in order, and a second signal forces.
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      metrics: {
        prometheus: { bindAddress, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true },
      },
    },
  };
}

async function fetched(http: Http, url: string): Promise<string> {
  try {
    const { status, body } = await http.send({ method: 'GET', url, timeoutMs, maxBytes });
    return status === 200 ? body : `# the SDK's metrics answered ${status}\n`;
  } catch (error) {
    return `# the SDK's metrics are away: ${error instanceof Error ? error.message : String(error)}\n`;
  }
}

/** The SDK wants to be told a port. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
