/** A network of our own: one namespace in which every address of the pods' range is this machine, and doors from our loopback into it. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { inProject } from '../root.ts';
import { forgetGroup, signalGroup, watchGroup } from '../servers/guard.ts';
import { freePort } from '../servers/ports.ts';
import type { DoorOrder } from './door/main.ts';

/** Every address of it is local inside; the first one is the node's. */
export const podRange = '10.244.0.0/16';
export const nodeAddress = '10.244.0.1';

export interface Network {
  /** The command that runs another one inside. */
  inside(command: string, args: readonly string[]): { readonly command: string; readonly args: readonly string[] };
  /** A port on our 127.0.0.1 that leads to a TCP address inside. */
  door(to: DoorOrder): Promise<number>;
  /** It vanishes with the last process in it. */
  stop(): Promise<void>;
}

const setUp = [
  'ip link set lo up',
  `ip address add ${nodeAddress}/32 dev lo`,
  `ip route add local ${podRange} dev lo`,
  'exec "$@"',
].join(' && ');

/** Throws with one sentence when this machine allows none. */
export async function startNetwork(): Promise<Network> {
  const user = process.getuid?.() === 0 ? [] : ['--user'];
  demand(user);
  const holder = spawn(
    'unshare',
    [
      ...['--net', ...user, ...(user.length > 0 ? ['--map-root-user'] : []), '/bin/sh', '-c', setUp, 'sh'],
      ...[process.execPath, inProject('dist', 'testbed', 'kubernetes', 'door', 'main.js')],
    ],
    { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  );
  const { pid } = holder;
  if (pid === undefined) throw new Error('cannot run unshare');
  watchGroup(pid);
  const gone = new Promise<void>((resolve) => holder.once('exit', () => resolve()));
  await Promise.race([
    new Promise<void>((resolve) => holder.once('message', () => resolve())),
    gone.then(() => Promise.reject(new Error('the network namespace could not be set up'))),
  ]);
  const join = ['--target', String(pid), '--net', ...user, ...(user.length > 0 ? ['--preserve-credentials'] : [])];
  return {
    inside: (command, args) => ({ command: 'nsenter', args: [...join, command, ...args] }),
    door: (to) => openDoor(holder, to),
    stop: async () => {
      signalGroup(pid, 'SIGKILL');
      await gone;
      forgetGroup(pid);
    },
  };
}

/** The socket is ours, so that it listens on our loopback; whoever answers is inside. */
async function openDoor(holder: ChildProcess, to: DoorOrder): Promise<number> {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  await new Promise<void>((resolve, reject) => {
    holder.send(to, server, (error) => (error === null ? resolve() : reject(error)));
  });
  server.close();
  return port;
}

function demand(user: readonly string[]): void {
  const lacking = ['unshare', 'nsenter', 'ip'].filter((command) => !runs('/bin/sh', ['-c', `command -v ${command}`]));
  const why =
    process.platform !== 'linux'
      ? 'this is not Linux'
      : lacking.length > 0
        ? `${lacking.join(', ')} cannot be found (packages util-linux and iproute2)`
        : runs('unshare', ['--net', ...user, 'true'])
          ? null
          : user.length > 0
            ? 'this user may not make one: run as root, or allow user namespaces'
            : 'this machine does not let root make one: in a container it needs the right CAP_SYS_ADMIN';
  if (why !== null) throw new Error(`A Kubernetes of our own needs a network namespace, and ${why}.`);
}

function runs(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
