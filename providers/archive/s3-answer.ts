/** What an S3 service answers, in our words: listings, and errors by the code that it names. */

import { parseXml, XmlElement, type XmlDocument } from '@rgrove/parse-xml';
import { ProviderError, type ProviderErrorCode } from '../errors.ts';
import type { HttpResponse } from '../ports.ts';

export interface Listing {
  readonly keys: readonly string[];
  /** Where the next page begins; `null` after the last. */
  readonly next: string | null;
}

/** Throws `ProviderError` unreachable for what is no listing. */
export function listingOf(answer: HttpResponse): Listing {
  const root = rootOf(answer.body);
  if (root?.name !== 'ListBucketResult') {
    throw new ProviderError({ code: 'unreachable', doing: 'list the bucket', detail: 'the answer is no listing' });
  }
  const keys = childrenOf(root, 'Contents').flatMap((entry) => childrenOf(entry, 'Key').map(({ text }) => text));
  const next = childrenOf(root, 'NextContinuationToken')[0]?.text ?? null;
  return { keys, next: childrenOf(root, 'IsTruncated')[0]?.text === 'true' ? next : null };
}

/** Nothing is hopeless: credentials, rights and buckets are mended by people while the record waits. */
export function failureOf(doing: string, { status, headers, body }: HttpResponse): ProviderError {
  const root = rootOf(body);
  const said = ['Code', 'Message'].flatMap((name) => (root === null ? [] : (childrenOf(root, name)[0]?.text ?? [])));
  const detail = [`HTTP ${status}`, ...said].join(', ').slice(0, 500);
  const seconds = Number(headers['retry-after']);
  const later = Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {};
  return new ProviderError({ code: codeOf(status), doing, detail, ...later });
}

function codeOf(status: number): ProviderErrorCode {
  if (status === 404) return 'missing';
  if (status === 429 || status === 503) return 'throttled';
  return status >= 300 && status < 500 ? 'denied' : 'unreachable';
}

function rootOf(xml: string): XmlElement | null {
  let document: XmlDocument;
  try {
    document = parseXml(xml);
  } catch {
    return null; // a proxy in between answers in HTML, or with nothing
  }
  return document.root;
}

function childrenOf(parent: XmlElement, name: string): readonly XmlElement[] {
  return parent.children.filter((child): child is XmlElement => child instanceof XmlElement && child.name === name);
}
