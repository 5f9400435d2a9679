/** Smoke suites of the spec to those of the plan; what was not asked for is left out, so that plans keep their digests. */

import type { Spec } from '../spec/rollout.ts';
import type { SmokeBody, SmokeExpectation, SmokePart, SmokeRequest, SmokeSocket, SmokeSuite } from './plan.ts';

type SpecSuite = Spec['smoke']['suites'][string];
type SpecRequest = SpecSuite['requests'][number];
type SpecPart = NonNullable<SpecRequest['multipart']>[string];

export function compileSuite(suite: SpecSuite): SmokeSuite {
  return {
    publicUrl: suite.baseUrl.public,
    forbidStatus: suite.forbidStatus,
    requests: suite.requests.map(requestOf),
    ...(suite.cleanup.length > 0 && { cleanup: suite.cleanup.map(requestOf) }),
  };
}

const methods = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const;

function requestOf(request: SpecRequest): SmokeRequest {
  const method = methods.find((name) => request[name] !== undefined) ?? 'get';
  const { sign, times, every, cookies } = request;
  const socket = socketOf(request);
  return {
    name: request.name,
    method: method.toUpperCase(),
    path: request.ws ?? request[method] ?? '/',
    headers: lowerCased(request.headers),
    body: bodyOf(request),
    expect: expectationOf(request, socket),
    capture: request.capture,
    timeoutMs: request.timeout,
    ...(socket !== null && { socket }),
    ...(sign !== undefined && { signature: { ...sign, header: sign.header.toLowerCase() } }),
    ...(times > 1 && { repeat: { times, everyMs: every } }),
    ...(cookies === 'none' && { cookies }),
  };
}

function socketOf({ ws, expect }: SpecRequest): SmokeSocket | null {
  if (ws === undefined) return null;
  switch (expect.handshake ?? 'accepted') {
    case 'accepted':
      return { handshake: 'accepted', firstMessageMs: expect.firstMessageWithin ?? null };
    case 'refused':
      return { handshake: 'refused' };
    case 'closed':
      return { handshake: 'closed', code: expect.closeCode ?? null };
  }
}

function expectationOf({ expect }: SpecRequest, socket: SmokeSocket | null): SmokeExpectation {
  const { json, exists, headers, contentType, contains, within } = expect;
  return {
    status: expect.status ?? usualStatus(socket),
    json,
    exists,
    headers: lowerCased(headers),
    contentType,
    withinMs: within,
    ...(contains !== undefined && { contains }),
  };
}

/** A server that breaks at a handshake has not refused it. */
function usualStatus(socket: SmokeSocket | null): string {
  if (socket === null) return '2xx';
  return socket.handshake === 'refused' ? '4xx' : '101';
}

function bodyOf({ json, text, multipart }: SpecRequest): SmokeBody | null {
  if (json !== undefined) return { kind: 'json', value: json };
  if (text !== undefined) return { kind: 'text', value: text };
  if (multipart === undefined) return null;
  return { kind: 'multipart', parts: Object.entries(multipart).map(([name, part]) => partOf(name, part)) };
}

function partOf(name: string, part: SpecPart): SmokePart {
  if (typeof part === 'string') return { kind: 'field', name, value: part };
  return { kind: 'file', name, file: part.file, contentType: part.contentType ?? mediaTypeOf(part.file) };
}

const mediaTypes: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  gif: 'image/gif',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  pdf: 'application/pdf',
  png: 'image/png',
  txt: 'text/plain',
  webp: 'image/webp',
  xml: 'application/xml',
};

function mediaTypeOf(file: string): string {
  const ending = file.slice(file.lastIndexOf('.') + 1).toLowerCase();
  return (Object.hasOwn(mediaTypes, ending) ? mediaTypes[ending] : undefined) ?? 'application/octet-stream';
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
