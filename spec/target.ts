/** The spec's `target`: where the release runs, by names that the operator declared. */

import * as z from 'zod';
import { header, id } from './names.ts';
import { span } from './values.ts';

/** What every target of one route has. */
const onRoute = {
  connection: id.describe('Name of a connection of this kind in the worker configuration.'),
  route: id.describe('Name of a route that the connection declares.'),
  preview: z
    .strictObject({ header: header.describe('Requests with this header reach the canary at any weight.') })
    .nullable()
    .default(null),
  drain: span.prefault('30s').describe('How long connections may go on after they lost their release.'),
};

const caddy = z.strictObject({ kind: z.literal('caddy'), ...onRoute });
const http = z.strictObject({ kind: z.literal('http'), ...onRoute });

export const target = z.discriminatedUnion('kind', [caddy, http]);
