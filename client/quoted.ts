/** Values in visibility queries. */

import { ClientError } from './errors.ts';

/** Throws `ClientError` rejected: visibility queries have no escape for quotes that every server understands. */
export function quoted(value: string): string {
  if (/['"\\]/.test(value))
    throw new ClientError({ code: 'rejected', reason: `${value}: quotes cannot be searched for` });
  return `'${value}'`;
}
