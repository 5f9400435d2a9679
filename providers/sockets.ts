/** The real `Sockets`: WebSocket handshakes over ws, bounded in time and size, with errors that carry no secrets. */

import type { IncomingMessage } from 'node:http';
import WebSocket, { type RawData } from 'ws';
import { headersOf, readUpTo } from './http.ts';
import { networkFailure } from './network-failure.ts';
import type { Handshake, HttpResponse, Socket, SocketEvent, SocketRequest, Sockets } from './ports.ts';

/** Longer messages close the connection, longer refusals are cut. */
const maxBytes = 256 * 1_024;

export function createSockets(): Sockets {
  return { open };
}

async function open(request: SocketRequest): Promise<Handshake> {
  request.signal?.throwIfAborted();
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(`no answer to the handshake within ${request.timeoutMs} ms`),
    request.timeoutMs,
  );
  const stop = request.signal === undefined ? late.signal : AbortSignal.any([late.signal, request.signal]);
  try {
    return await handshake(request, stop);
  } catch (error) {
    request.signal?.throwIfAborted();
    throw networkFailure({ method: 'WebSocket', url: request.url }, late.signal.aborted ? late.signal.reason : error);
  } finally {
    clearTimeout(timer);
  }
}

function handshake(request: SocketRequest, stop: AbortSignal): Promise<Handshake> {
  const { 'sec-websocket-protocol': offered = '', ...headers } = { 'user-agent': 'sluice', ...request.headers };
  const protocols = offered.split(',').flatMap((one) => one.trim() || []);
  // Throws for an address that is none and for protocols of a wrong form.
  const socket = new WebSocket(request.url.replace(/^http/i, 'ws'), protocols, {
    headers,
    followRedirects: false,
    maxPayload: maxBytes,
    perMessageDeflate: false,
  });
  const inbox = createInbox(socket);
  return new Promise<Handshake>((resolve, reject) => {
    const give = () => {
      reject(stop.reason as Error);
      socket.terminate();
    };
    stop.addEventListener('abort', give, { once: true });
    let response: HttpResponse = { status: 101, headers: {}, body: '' };
    socket.once('upgrade', (answer) => (response = { status: 101, ...headersOf(answer.headers), body: '' }));
    socket.once('open', () => {
      stop.removeEventListener('abort', give);
      resolve({ kind: 'accepted', response, socket: inbox });
    });
    socket.once('unexpected-response', (_, answer) => {
      refusalOf(answer, stop).then((refused) => resolve({ kind: 'refused', response: refused }), reject);
    });
    socket.once('error', reject);
  });
}

async function refusalOf(answer: IncomingMessage, stop: AbortSignal): Promise<HttpResponse> {
  const body = await readUpTo(answer, maxBytes, stop);
  answer.destroy();
  return { status: answer.statusCode ?? 0, ...headersOf(answer.headers), body };
}

/** Keeps what arrives until somebody asks: the first message may come with the handshake's answer. */
function createInbox(socket: WebSocket): Socket {
  const arrived: SocketEvent[] = [];
  let heard = (): void => undefined;
  const take = (event: SocketEvent) => {
    arrived.push(event);
    heard();
  };
  socket.on('message', (data, isBinary) => take({ kind: 'message', text: textOf(data, isBinary) }));
  socket.on('close', (code) => take({ kind: 'closed', code }));
  socket.on('error', () => undefined); // told as the close that follows
  return {
    say: (text) => socket.send(text),
    next: (timeoutMs, signal) =>
      new Promise<SocketEvent>((resolve, reject) => {
        const done = (act: () => void) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', cancel);
          heard = () => undefined;
          act();
        };
        const cancel = () => done(() => reject(signal?.reason as Error));
        const detail = `nothing came within ${timeoutMs} ms`;
        const timer = setTimeout(
          () => done(() => reject(networkFailure({ method: 'WebSocket', url: socket.url }, detail))),
          timeoutMs,
        );
        heard = () => {
          const event = arrived.shift();
          if (event !== undefined) done(() => resolve(event));
        };
        if (signal?.aborted === true) return cancel();
        signal?.addEventListener('abort', cancel, { once: true });
        heard();
      }),
    close: () => socket.terminate(),
  };
}

function textOf(data: RawData, isBinary: boolean): string {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
  return bytes.toString(isBinary ? 'base64' : 'utf8');
}
