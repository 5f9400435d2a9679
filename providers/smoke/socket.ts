/** Holds a WebSocket handshake, and what comes after it, against what is expected. */

import type { SmokeSocket } from '../../plan/plan.ts';
import { ProviderError } from '../errors.ts';
import type { HttpRequest, HttpResponse, Socket, Sockets } from '../ports.ts';
import { SmokeProblem } from './template.ts';

/** The answer to the handshake. */
export interface Shaken {
  readonly response: HttpResponse;
  /** `null` after a refusal. */
  readonly socket: Socket | null;
}

export async function shakeHands(sockets: Sockets, request: HttpRequest): Promise<Shaken> {
  const { url, headers = {}, timeoutMs, signal } = request;
  const answer = await sockets.open({ url, headers, timeoutMs, ...(signal !== undefined && { signal }) });
  return { response: answer.response, socket: answer.kind === 'accepted' ? answer.socket : null };
}

/** The answer with the first message as its body; the socket is closed. Throws `SmokeProblem` for what was not expected. */
export async function talk(expected: SmokeSocket, { response, socket }: Shaken, request: HttpRequest) {
  try {
    if (expected.handshake === 'refused') {
      if (socket !== null) throw new SmokeProblem('the handshake was accepted');
      return response;
    }
    if (socket === null) throw new SmokeProblem(`the handshake was refused with ${String(response.status)}`);
    if (typeof request.body === 'string') socket.say(request.body);
    if (expected.handshake === 'closed') return await closed(expected.code, response, socket, request);
    return expected.firstMessageMs === null
      ? response
      : await firstMessage(expected.firstMessageMs, response, socket, request);
  } finally {
    socket?.close();
  }
}

async function firstMessage(ms: number, response: HttpResponse, socket: Socket, { signal }: HttpRequest) {
  const event = await inTime(socket.next(ms, signal), `no first message within ${String(ms)} ms`);
  if (event.kind === 'message') return { ...response, body: event.text };
  throw new SmokeProblem(`closed with code ${String(event.code)} before the first message`);
}

async function closed(code: number | null, response: HttpResponse, socket: Socket, request: HttpRequest) {
  const late = `not closed within ${String(request.timeoutMs)} ms`;
  for (let heard = 0; heard < mostMessages; heard += 1) {
    const event = await inTime(socket.next(request.timeoutMs, request.signal), late);
    if (event.kind === 'message') continue; // many say why before they close
    if (code === null || event.code === code) return response;
    throw new SmokeProblem(`closed with code ${String(event.code)}, expected ${String(code)}`);
  }
  throw new SmokeProblem('not closed, messages go on coming');
}

const mostMessages = 10;

async function inTime<T>(event: Promise<T>, late: string): Promise<T> {
  try {
    return await event;
  } catch (error) {
    if (error instanceof ProviderError) throw new SmokeProblem(late);
    throw error;
  }
}
