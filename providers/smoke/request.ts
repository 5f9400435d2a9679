/** Makes one smoke request ready to be sent: where to, with which headers and body, and whether that place is allowed. */

import type { SmokeRequest, SmokeSuite } from '../../plan/plan.ts';
import type { Aim, HttpRequest } from '../ports.ts';
import { fill, fillBody, SmokeProblem, type Values } from './template.ts';

/** Answers longer than this are cut; smoke looks at small answers. */
const maxBytes = 256 * 1_024;

/** Where a suite may go: the target's own aim, and origins that the operator allows. */
export interface Reach {
  readonly aim: Aim;
  readonly own: string;
  readonly allowed: ReadonlySet<string>;
}

/**
 * The suite's public address is the spec author's word, so it must be allowed by the operator; addresses that the target
 * gives (told apart by not being that address, or by the headers that come with them) are the operator's own.
 */
export function reachOf(suite: SmokeSuite, aim: Aim, allow: readonly string[]): Reach {
  const own = originOf(aim.baseUrl);
  const isSpecsWord = aim.baseUrl === suite.publicUrl && Object.keys(aim.headers).length === 0;
  return { aim, own, allowed: new Set([...allow.map(originOf), ...(isSpecsWord ? [] : [own])]) };
}

/** Throws `SmokeProblem` for a place that is not allowed and for values that do not fit. */
export function prepare(request: SmokeRequest, reach: Reach, values: Values): HttpRequest {
  const url = urlOf(request.path, reach.aim.baseUrl, values);
  const origin = originOf(url);
  if (!reach.allowed.has(origin)) throw new SmokeProblem(`${origin} is not a place that smoke may call`);
  const body = request.body === null ? {} : { body: fillBody(request.body, values) };
  return {
    method: request.method,
    url,
    headers: headersOf(request, origin === reach.own ? reach.aim.headers : {}, values),
    timeoutMs: request.timeoutMs,
    maxBytes,
    ...body,
  };
}

function urlOf(path: string, base: string, values: Values): string {
  const filled = fill(path, values, encodeURIComponent);
  const text = /^https?:\/\//i.test(path) ? filled : `${base.replace(/\/+$/, '')}/${filled.replace(/^\//, '')}`;
  if (!URL.canParse(text)) throw new SmokeProblem(`the path of the request makes no address`);
  return new URL(text).href;
}

/** The aim's headers win: they decide which release answers. */
function headersOf(request: SmokeRequest, ofAim: Aim['headers'], values: Values): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': 'sluice-smoke' };
  if (request.body?.kind === 'json') headers['content-type'] = 'application/json';
  for (const [name, text] of Object.entries(request.headers)) {
    const value = fill(text, values);
    if (/[\r\n\0]/.test(value)) throw new SmokeProblem(`the value of header ${name} has a line break`);
    headers[name.toLowerCase()] = value;
  }
  for (const [name, value] of Object.entries(ofAim)) headers[name.toLowerCase()] = value;
  return headers;
}

/** Text that is no address has an origin that nobody allows. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'an unreadable address';
}
