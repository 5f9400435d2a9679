/** The spec's `criteria`: rules over metrics, each with its bad condition and what follows from it. */

import * as z from 'zod';
import { expecting } from './expectations.ts';
import { id } from './names.ts';
import { compareBreach, duration, limitBreach } from './values.ts';

const query = expecting(
  z.string().min(1).max(10_000).regex(/\S/),
  'a PromQL query',
  'such as sum(rate(http_requests_total{{{track}}}[1m]))',
);

const common = {
  id,
  query: query.describe('PromQL. {{track}} selects the release, {{release}} is its label, {{window}} a duration.'),
  do: z.enum(['rollback', 'hold', 'warn', 'page']),
  severity: z.enum(['P0', 'P1', 'P2']).default('P1'),
  when: z
    .enum(['canary', 'watch', 'always'])
    .default('always')
    .describe('canary: while steps run; watch: after promotion; always: both.'),
  for: duration.prefault('0s').describe('Breached at every poll for this long before it fails.'),
  warmUp: duration.prefault('0s').describe('Ignored for this long after each change of weight.'),
  minSamples: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .default(0)
    .describe('Requests the canary must have answered in this step.'),
};

const limit = z.strictObject({
  ...common,
  kind: z.literal('limit'),
  breach: limitBreach.describe('The bad condition.'),
});

const compare = z.strictObject({
  ...common,
  kind: z.literal('compare'),
  against: z.literal('stable'),
  breach: compareBreach.describe('The bad condition, relative to stable.'),
  floor: z.number().min(0).default(0).describe('Smallest baseline that is compared with.'),
});

export const criterion = z.discriminatedUnion('kind', [limit, compare]);
