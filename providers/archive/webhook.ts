/** An archive behind a webhook: every record is posted to it; what it does with them is its own matter. */

import { sendAs, type Credentials } from '../credentials.ts';
import { ProviderError } from '../errors.ts';
import type { Archive, Http } from '../ports.ts';

export interface WebhookOptions {
  readonly http: Http;
  readonly url: string;
  readonly auth: Credentials | null;
}

const timeoutMs = 30_000;

/** The key goes along as `idempotency-key`: a record may come twice. */
export function createWebhookArchive({ http, url, auth }: WebhookOptions): Archive {
  const name = `webhook at ${new URL(url).origin}`;
  return {
    name,
    ping: async () => `${name} is declared; nothing is sent to it as a test`,
    put: async (key, text, signal) => {
      const { status } = await sendAs(http, auth, {
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: text,
        timeoutMs,
        maxBytes: 4_096,
        ...(signal === undefined ? {} : { signal }),
      });
      if (status >= 200 && status < 300) return;
      const code = status === 401 || status === 403 ? 'denied' : 'unreachable';
      throw new ProviderError({ code, doing: `post the record ${key} to the ${name}`, detail: `HTTP ${status}` });
    },
    shelf: null,
  };
}
