/** Tells people: one line in the log, and a webhook per channel that the operator declared. Never throws, never waits long. */

import type { Http, Notice, Notifier } from '../ports.ts';

export interface Webhook {
  readonly kind: 'webhook';
  readonly name: string;
  readonly url: string;
}

export interface NotifierOptions {
  readonly http: Http;
  readonly channels: readonly Webhook[];
  /** The channel that is always there. */
  readonly log: (notice: Notice) => void;
  /** Takes secrets out of what leaves the house. */
  readonly redact: (text: string) => string;
  /** Per channel, ms. */
  readonly timeoutMs?: number;
}

type Failure = { readonly channel: string; readonly error: string };

const defaultTimeoutMs = 5_000;

export function createNotifier(options: NotifierOptions): Notifier {
  return {
    channels: options.channels.map(({ name }) => name),
    send: async (notice, signal) => {
      const clean = cleaned(notice, options.redact);
      options.log(clean);
      const outcomes = await Promise.all(options.channels.map((channel) => post(options, channel, clean, signal)));
      return outcomes.filter((outcome) => outcome !== null);
    },
  };
}

/** Plain JSON, for any receiver; `key` is the receiver's to show the same matter once. */
async function post(
  { http, timeoutMs, redact }: NotifierOptions,
  channel: Webhook,
  notice: Notice,
  signal: AbortSignal | undefined,
): Promise<Failure | null> {
  const failed = (error: string): Failure => ({ channel: channel.name, error: redact(error) });
  try {
    const answer = await http.send({
      method: 'POST',
      url: channel.url,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(notice),
      timeoutMs: timeoutMs ?? defaultTimeoutMs,
      maxBytes: 4_096,
      ...(signal === undefined ? {} : { signal }),
    });
    return answer.status >= 200 && answer.status < 300 ? null : failed(`answered ${answer.status}`);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

function cleaned(notice: Notice, redact: (text: string) => string): Notice {
  const { rollout, severity, key, title, text } = notice;
  return { rollout, severity, key, title: redact(title), text: redact(text) };
}
