/** Holds a network namespace open and lets our side in: listens on sockets of ours, leads each to an address inside. */

import { connect, type Server, type Socket } from 'node:net';

/** Comes with the listening socket. */
export interface DoorOrder {
  readonly host: string;
  readonly port: number;
}

process.on('message', (order: DoorOrder, server: unknown) => {
  (server as Server).on('connection', (outside) => lead(outside, order));
});
process.once('disconnect', () => process.exit(0));
process.send?.('open');

function lead(outside: Socket, { host, port }: DoorOrder): void {
  const inside = connect({ host, port });
  for (const [one, other] of [
    [outside, inside],
    [inside, outside],
  ] as const) {
    one.setNoDelay(true);
    one.pipe(other);
    // An end by force must arrive as one: a client tells an answer that was cut from one that is complete.
    one.once('error', () => other.resetAndDestroy());
    one.once('close', () => other.destroy());
  }
}
