/** A real Caddy, configured in JSON through its start file, changed through its admin API. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isUp } from './http.ts';
import { locate } from './locate.ts';
import { freePort } from './ports.ts';
import { type RealProcess, startProcess } from './process.ts';

export interface CaddyOptions {
  readonly folder: string;
  /** The `apps` part of Caddy's JSON; its listeners must be on loopback. */
  readonly apps: unknown;
  /** @default a free port */
  readonly adminPort?: number;
}

export interface Caddy {
  readonly adminUrl: string;
  /** What Caddy starts from when it does not resume. */
  readonly configFile: string;
  readonly process: () => RealProcess;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Stops it if it still runs, and starts it again; `resume: false` forgets everything set through the admin API (default: true). */
  restart(options?: { readonly resume?: boolean }): Promise<void>;
}

export async function startCaddy(options: CaddyOptions): Promise<Caddy> {
  const command = await locate('caddy');
  const adminPort = options.adminPort ?? (await freePort());
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  const configFile = join(options.folder, 'caddy.json');
  mkdirSync(options.folder, { recursive: true });
  writeFileSync(
    configFile,
    JSON.stringify({ admin: { listen: `127.0.0.1:${adminPort}` }, apps: options.apps }, null, 2),
  );
  const start = (resume: boolean) =>
    startProcess({
      name: 'caddy',
      command,
      args: ['run', '--config', configFile, ...(resume ? ['--resume'] : [])],
      folder: options.folder,
      // Caddy keeps its autosave and its certificates below these: never in the user's home.
      env: { XDG_CONFIG_HOME: join(options.folder, 'config'), XDG_DATA_HOME: join(options.folder, 'data') },
      ready: () => isUp(`${adminUrl}/config/`),
    });
  let running = await start(false); // an autosave of an earlier run in this folder knows another admin port
  return {
    adminUrl,
    configFile,
    process: () => running,
    stop: () => running.end(),
    kill: () => running.kill(),
    restart: async (again = {}) => {
      await running.end();
      running = await start(again.resume ?? true);
    },
  };
}
