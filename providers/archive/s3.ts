/** An archive in a bucket that speaks S3: each record one object, signed with Signature Version 4. */

import { createHash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import { ProviderError } from '../errors.ts';
import type { Archive, Clock, Http, HttpResponse, Shelf } from '../ports.ts';
import { failureOf, listingOf } from './s3-answer.ts';

export interface S3Options {
  readonly http: Http;
  readonly clock: Clock;
  /** Origin of the service, such as https://s3.eu-central-1.amazonaws.com */
  readonly endpoint: string;
  readonly bucket: string;
  /** In front of every key; empty or without a slash at either end. */
  readonly prefix: string;
  readonly region: string;
  /** The bucket stands in the path and not in the host's name. */
  readonly pathStyle: boolean;
  /** Asked for anew at every request, so that rotated ones are taken up. */
  readonly credentials: () => Promise<S3Credentials>;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}

interface Call {
  readonly method: 'GET' | 'PUT';
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** @default one megabyte */
  readonly maxBytes?: number;
  readonly signal: AbortSignal | undefined;
}

const timeoutMs = 30_000;
const pageKeys = 1_000;
const mostPages = 20;
/** No record of ours is as large. */
const largestAnswer = 4_000_000;

export function createS3Archive(options: S3Options): Archive {
  const { bucket, prefix, endpoint } = options;
  const place = prefix === '' ? bucket : `${bucket}/${prefix}`;
  return {
    name: `bucket ${place} at ${endpoint}`,
    ping: async (signal) => {
      await page(options, '', null, 1, signal);
      return `bucket ${place} answers`;
    },
    put: async (key, text, signal) => {
      const answer = await send(options, { method: 'PUT', key: keyIn(prefix, key), body: text, signal });
      if (answer.status !== 200) throw failureOf(`put the record ${key} into ${place}`, answer);
    },
    shelf: shelfOf(options, place),
  };
}

function shelfOf(options: S3Options, place: string): Shelf {
  const { prefix } = options;
  return {
    keys: async (beginning, signal) => {
      const keys: string[] = [];
      let next: string | null = null;
      for (let pages = 0; pages < mostPages; pages += 1) {
        const found = await page(options, beginning, next, pageKeys, signal);
        keys.push(...found.keys.map((key) => key.slice(prefix === '' ? 0 : prefix.length + 1)));
        next = found.next;
        if (next === null) return { keys, complete: true };
      }
      return { keys, complete: false };
    },
    get: async (key, signal) => {
      const call: Call = { method: 'GET', key: keyIn(prefix, key), maxBytes: largestAnswer, signal };
      const answer = await send(options, call);
      const doing = `read the record ${key} from ${place}`;
      if (answer.status !== 200) throw failureOf(doing, answer);
      if (answer.body.length < largestAnswer) return answer.body;
      throw new ProviderError({ code: 'invalid', doing, detail: 'it is larger than any record of ours' });
    },
  };
}

function page(options: S3Options, beginning: string, after: string | null, most: number, signal?: AbortSignal) {
  const query = {
    'list-type': '2',
    prefix: keyIn(options.prefix, beginning),
    'max-keys': String(most),
    ...(after === null ? {} : { 'continuation-token': after }),
  };
  return send(options, { method: 'GET', key: '', query, maxBytes: largestAnswer, signal }).then((answer) => {
    if (answer.status !== 200) throw failureOf(`list the bucket ${options.bucket}`, answer);
    return listingOf(answer);
  });
}

function keyIn(prefix: string, key: string): string {
  return prefix === '' ? key : `${prefix}/${key}`;
}

async function send(options: S3Options, { method, key, query, body, maxBytes, signal }: Call): Promise<HttpResponse> {
  const { accessKeyId, secretAccessKey, sessionToken } = await options.credentials();
  const url = urlOf(options, key);
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
  const signer = new AwsV4Signer({
    method,
    url: url.href,
    headers: {
      // Of the body as well, because the endpoint need not be behind TLS.
      'x-amz-content-sha256': createHash('sha256')
        .update(body ?? '')
        .digest('hex'),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === null ? {} : { sessionToken }),
    service: 's3',
    region: options.region,
    datetime: new Date(options.clock.now()).toISOString().replace(/[-:]|\.\d{3}/g, ''),
  });
  const signed = await signer.sign();
  return options.http.send({
    method,
    url: signed.url.href,
    headers: Object.fromEntries(signed.headers.entries()),
    ...(body === undefined ? {} : { body }),
    timeoutMs,
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(signal === undefined ? {} : { signal }),
  });
}

function urlOf({ endpoint, bucket, pathStyle }: S3Options, key: string): URL {
  const url = new URL(endpoint);
  if (pathStyle) url.pathname = `/${bucket}/${key}`;
  else {
    url.hostname = `${bucket}.${url.hostname}`;
    url.pathname = `/${key}`;
  }
  return url;
}
