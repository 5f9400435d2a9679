/** Signs a smoke request with a secret, as the senders of webhooks do. */

import { createHmac } from 'node:crypto';
import type { SmokeSignature } from '../../plan/plan.ts';
import { fill, SmokeProblem, type Values } from './template.ts';

const bodySlot = /\{\{\s*body\s*\}\}/;

/** The header's value. Throws `SmokeProblem` for a placeholder without a value. */
export function signed(signature: SmokeSignature, body: string | Uint8Array, values: Values): string {
  const key = values.secrets.get(signature.secret);
  if (key === undefined) throw new SmokeProblem(`secret ${signature.secret} has no value`);
  const hmac = createHmac(signature.hash, key);
  for (const [index, text] of signature.over.split(bodySlot).entries()) {
    if (index > 0) hmac.update(body); // bytes, which no text could hold
    hmac.update(fill(text, values));
  }
  const variables = new Map([...values.variables, ['signature', hmac.digest(signature.encoding)] as const]);
  return fill(signature.format, { ...values, variables });
}
