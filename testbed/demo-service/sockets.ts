/** The demo service's WebSocket: who may connect gets each `ping` answered with `pong`, everybody else 403. */

import { WebSocketServer } from 'ws';
import type { Upgrade } from '../servers/serve.ts';
import type { Desk } from './desk.ts';
import { type ServedRequest, servedRequest } from './request-log.ts';

export interface SocketParts {
  readonly release: string;
  readonly mayConnect: Desk['mayConnect'];
  readonly log: (request: ServedRequest) => void;
}

export function socketUpgrades({ release, mayConnect, log }: SocketParts): Upgrade {
  const server = new WebSocketServer({ noServer: true });
  return (asked, connection, head) => {
    const { pathname: path, searchParams } = new URL(asked.url ?? '/', 'http://service');
    const isWelcome = path === '/ws' && mayConnect(asked.headers.cookie ?? '', searchParams.get('token'));
    const header = (name: string) => asked.headers[name]?.toString();
    log(servedRequest({ at: Date.now(), release, method: 'GET', path, status: isWelcome ? 101 : 403, header }));
    connection.on('error', () => connection.destroy()); // whoever asked has gone
    if (!isWelcome) {
      connection.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    server.handleUpgrade(asked, connection, head, (socket) => {
      socket.on('message', (said: Buffer) => {
        if (said.toString().includes('ping')) socket.send(JSON.stringify({ type: 'pong', release }));
      });
    });
  };
}
