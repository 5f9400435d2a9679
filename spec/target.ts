/** The spec's `target`: where the release runs, by names that the operator declared. */

import * as z from 'zod';
import { header, id } from './names.ts';
import { span } from './values.ts';

const caddy = z.strictObject({
  kind: z.literal('caddy'),
  connection: id.describe('Name of a caddy connection in the worker configuration.'),
  route: id.describe('Name of a route that the connection declares.'),
  preview: z
    .strictObject({ header: header.describe('Requests with this header reach the canary at any weight.') })
    .nullable()
    .default(null),
  drain: span.prefault('30s').describe('How long connections may go on after they lost their release.'),
});

export const target = z.discriminatedUnion('kind', [caddy]);
