/** Keeps what containers are told out of what is told about them: engines repeat what they could not use. */

import { ProviderError } from '../../../errors.ts';
import { createRedactor } from '../../../secrets/redact.ts';

/** Runs some work; its errors come without the values of these variables (`NAME=value`). */
export async function withoutValues<Answer>(
  variables: readonly string[],
  work: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    throw rethrown(error, createRedactor(variables.map((one) => one.slice(one.indexOf('=') + 1))));
  }
}

export function rethrown(error: unknown, redact: (text: string) => string): unknown {
  if (!(error instanceof ProviderError)) return error;
  const { code, doing, detail, retryAfterMs, fence } = error;
  return new ProviderError({
    ...{ code, doing, detail: redact(detail) },
    ...(retryAfterMs !== null && { retryAfterMs }),
    ...(fence !== null && { fence }),
  });
}
