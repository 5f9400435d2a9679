/** Makes one smoke request ready to be sent: where to, with which headers and body, and whether that place is allowed. */

import type { SmokeRequest, SmokeSuite } from '../../plan/plan.ts';
import type { Aim, HttpRequest, SmokeFiles } from '../ports.ts';
import { bodyOf, type Sent } from './body.ts';
import { signed } from './signature.ts';
import { fill, SmokeProblem, type Values } from './template.ts';

/** Answers longer than this are cut; smoke looks at small answers. */
const maxBytes = 256 * 1_024;

/** Header of every request: the run's `{{unique}}` and the request's name, `mhk3v0x17fa0c2e1/health`. */
export const marker = 'x-sluice-smoke';

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

/** What requests are made with. */
export interface Means {
  readonly reach: Reach;
  readonly values: Values;
  readonly files: SmokeFiles;
}

/** Throws `SmokeProblem` for a place that is not allowed and for values that do not fit, `ProviderError` for a file that is not there. */
export async function prepare(request: SmokeRequest, { reach, values, files }: Means): Promise<HttpRequest> {
  const url = urlOf(request.path, reach.aim.baseUrl, values);
  const origin = originOf(url);
  if (!reach.allowed.has(origin)) throw new SmokeProblem(`${origin} is not a place that smoke may call`);
  const sent = request.body === null ? null : await bodyOf(request.body, values, files);
  const headers = new Map(Object.entries(usualHeaders(request, sent, values)));
  for (const [name, text] of Object.entries(request.headers)) headers.set(name.toLowerCase(), fill(text, values));
  const { signature } = request;
  if (signature !== undefined) headers.set(signature.header, signed(signature, sent?.body ?? '', values));
  for (const [name, value] of headers) {
    if (/[\r\n\0]/.test(value)) throw new SmokeProblem(`the value of header ${name} has a line break`);
  }
  // The aim's headers win: they decide which release answers.
  const ofAim = Object.entries(origin === reach.own ? reach.aim.headers : {});
  for (const [name, value] of ofAim) headers.set(name.toLowerCase(), value);
  return {
    method: request.method,
    url,
    headers: Object.fromEntries(headers),
    timeoutMs: request.timeoutMs,
    maxBytes,
    ...(sent !== null && { body: sent.body }),
  };
}

/** The marker tells a service which data is smoke's, and of which run. */
function usualHeaders(
  { name, socket }: SmokeRequest,
  sent: Sent | null,
  { variables }: Values,
): Record<string, string> {
  const contentType = socket === undefined ? (sent?.contentType ?? null) : null;
  return {
    'user-agent': 'sluice-smoke',
    [marker]: `${String(variables.get('unique') ?? '')}/${name}`,
    ...(contentType !== null && { 'content-type': contentType }),
  };
}

function urlOf(path: string, base: string, values: Values): string {
  const filled = fill(path, values, encodeURIComponent);
  const text = /^https?:\/\//i.test(path) ? filled : `${base.replace(/\/+$/, '')}/${filled.replace(/^\//, '')}`;
  if (!URL.canParse(text)) throw new SmokeProblem(`the path of the request makes no address`);
  return new URL(text).href;
}

/** Text that is no address has an origin that nobody allows. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'an unreadable address';
}
