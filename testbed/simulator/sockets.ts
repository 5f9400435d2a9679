/** `Sockets` over exchanges: an accepted handshake brings what the server says first as its answer's body. */

import { ProviderError } from '../../providers/errors.ts';
import type { Clock, HttpRequest, Socket, SocketEvent, Sockets } from '../../providers/ports.ts';
import type { Answer } from './worlds/host.ts';

export function socketsOver(send: (request: HttpRequest) => Promise<Answer>, clock: Clock): Sockets {
  return {
    open: async ({ headers, ...rest }) => {
      const upgrade = { ...headers, connection: 'Upgrade', upgrade: 'websocket' };
      const { closes, body, status, headers: answered } = await send({ method: 'GET', ...rest, headers: upgrade });
      if (status !== 101) return { kind: 'refused', response: { status, headers: answered, body } };
      const said: SocketEvent[] = body === '' ? [] : [{ kind: 'message', text: body }];
      const events = closes === undefined ? said : [...said, { kind: 'closed', code: closes } as const];
      const response = { status, headers: answered, body: '' };
      return { kind: 'accepted', response, socket: socketWith(events, rest.url, clock) };
    },
  };
}

/** Nothing that is said to it changes what comes. */
function socketWith(events: SocketEvent[], url: string, clock: Clock): Socket {
  return {
    say: () => undefined,
    close: () => undefined,
    next: async (timeoutMs, signal) => {
      const event = events.shift();
      if (event !== undefined) return event;
      await clock.sleep(timeoutMs, signal);
      const detail = `nothing came within ${String(timeoutMs)} ms`;
      throw new ProviderError({ code: 'unreachable', doing: `WebSocket ${new URL(url).origin}`, detail });
    },
  };
}
