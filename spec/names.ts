/** Strict grammars of words: names, headers, digests and addresses. */

import * as z from 'zod';
import { expecting } from './expectations.ts';

// ── Names and texts ──────────────────────────────────────────────────────────────────────────────────────────────────

const idPattern = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;

/** Names that people type: services, roles, gates, criteria, suites, connections. No `@`, no `/`, no blanks. */
export const id = expecting(
  z.string().regex(idPattern),
  'a name',
  'of 1 to 63 lower-case letters, digits, ".", "_" or "-"',
);

/** People may write to their friends with capitals. */
export const person = expecting(
  z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9._+@-]{0,126}[A-Za-z0-9])?$/),
  'a person',
  'of up to 128 letters, digits, ".", "_", "+", "@" or "-"',
);

/** One line for people. */
export const line = expecting(
  z
    .string()
    .min(1)
    .max(200)
    .regex(/^\P{Cc}*$/u),
  'one line of text',
  'of 1 to 200 characters',
);

/** An image repository without tag and digest. */
export const imageName = expecting(
  z
    .string()
    .max(255)
    .regex(/^[a-z0-9]+(?:[._-][a-z0-9]+)*(?::\d{1,5}(?=\/))?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/),
  'an image name without tag or digest',
  'such as registry.example/web',
);

/** A metrics label's name. */
export const labelName = expecting(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/),
  'a label name',
  'such as release',
);

/** Name of a variable or a secret. */
export const variableName = expecting(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/),
  'a variable name',
  'such as sid or LOG_TOKEN',
);

const headerNameText = String.raw`[A-Za-z0-9!#$%&'*+.^_|~-]{1,100}`;
const headerValueText = String.raw`[\x20-\x7e]{1,4000}`;

export const headerName = expecting(
  z.string().regex(new RegExp(`^${headerNameText}$`)),
  'a header name',
  'such as x-session-id',
);
export const headerValue = expecting(
  z.string().regex(new RegExp(`^${headerValueText}$`)),
  'a header value',
  'of printable ASCII characters on one line',
);

export interface Header {
  /** Lower case. */
  readonly header: string;
  readonly value: string;
}

/** `x-sluice-preview: canary` */
export const header = expecting(
  z
    .string()
    .regex(new RegExp(String.raw`^${headerNameText}:\s*\S${headerValueText.replace('1,4000', '0,4000')}$`))
    .transform((text): Header => {
      const colon = text.indexOf(':');
      return { header: text.slice(0, colon).toLowerCase(), value: text.slice(colon + 1).trim() };
    }),
  'a header',
  'such as "x-sluice-preview: canary"',
);

// ── Addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** An http(s) address without credentials in it. */
export const httpUrl = expecting(
  z
    .string()
    .max(2000)
    .regex(/^https?:\/\/[^\s/?#@]+(?:[/?#]\S*)?$/)
    .refine((text) => URL.canParse(text)),
  'an http address',
  'such as https://web.example, without credentials in it',
);

/** Only scheme, host and port. */
export const origin = expecting(
  z
    .string()
    .max(300)
    .regex(/^https?:\/\/[^\s/?#@]+\/?$/)
    .refine((text) => URL.canParse(text))
    .transform((text) => new URL(text).origin),
  'an origin',
  'such as https://web.example or http://127.0.0.1:8080',
);

/** `host:port`. */
export const hostPort = expecting(
  z
    .string()
    .regex(/^(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/)
    .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535),
  'a host and port',
  'such as 127.0.0.1:9464',
);
