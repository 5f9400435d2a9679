/** The spec's `criteria`: rules over metrics and alerts, each with its bad condition and what follows from it. */

import * as z from 'zod';
import { calendar } from './calendar.ts';
import { expecting } from './expectations.ts';
import { matcher } from './matchers.ts';
import { id } from './names.ts';
import { compareBreach, duration, limitBreach } from './values.ts';

const query = expecting(
  z.string().min(1).max(10_000).regex(/\S/),
  'a PromQL query',
  'such as sum(rate(http_requests_total{{{track}}}[1m]))',
);

// ── What each kind asks ──────────────────────────────────────────────────────────────────────────────────────────────

const timing = {
  for: duration.prefault('0s').describe('Breached at every poll for this long before it fails.'),
  warmUp: duration.prefault('0s').describe('Ignored for this long after each change of weight.'),
};

const conditions = { calendar: calendar.optional() };
const onlyIfWords = 'When it counts at all; at other times it is in nobody’s way.';
const onlyIf = z.strictObject(conditions).optional().describe(onlyIfWords);

const numbers = {
  ...timing,
  query: query.describe('PromQL. {{track}} selects the release, {{release}} is its label, {{window}} a duration.'),
  minSamples: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .default(0)
    .describe('Requests the canary must have answered in this step.'),
  onlyIf: z
    .strictObject({
      ...conditions,
      previousAbove: z
        .number()
        .optional()
        .describe('Only once the value was above this, since the window of the calendar began.'),
    })
    .optional()
    .describe(onlyIfWords),
};

const clearWords = 'Once breached, it stays so until this holds.';

const limit = {
  kind: z.literal('limit'),
  ...numbers,
  breach: limitBreach.describe('The bad condition.'),
  clear: limitBreach.optional().describe(clearWords),
};

const compare = {
  kind: z.literal('compare'),
  ...numbers,
  against: z.literal('stable'),
  breach: compareBreach.describe('The bad condition, relative to stable.'),
  clear: compareBreach.optional().describe(clearWords),
  floor: z.number().min(0).default(0).describe('Smallest baseline that is compared with.'),
};

const alert = {
  kind: z.literal('alert'),
  ...timing,
  matchers: z
    .array(matcher)
    .min(1)
    .max(20)
    .describe('All must match a firing alert’s labels, alertname among them. {{track}} selects the release.'),
  onlyIf,
};

// ── Composites ───────────────────────────────────────────────────────────────────────────────────────────────────────

const ref = z.strictObject({
  ref: id.describe('A criterion further up.'),
  phase: z
    .enum(['failed', 'breached'])
    .default('failed')
    .describe('failed: bad once it has failed. breached: as soon as its condition holds, however short.'),
});

type Leaf = z.output<z.ZodObject<typeof limit> | z.ZodObject<typeof compare> | z.ZodObject<typeof alert>>;
type OnlyIf = z.output<typeof onlyIf>;
interface Whole {
  readonly kind: 'all-of' | 'any-of';
  readonly for: number;
  readonly warmUp: number;
  readonly onlyIf?: OnlyIf;
  readonly criteria: readonly SpecPart[];
}

/** A part has no consequence of its own. */
export type SpecPart = z.output<typeof ref> | ((Leaf | Whole) & { readonly id: string });

const composite = {
  ...timing,
  onlyIf,
  criteria: z
    .lazy(() => z.array(part).min(1).max(20))
    .describe('Criteria without a consequence of their own, or references to others further up.'),
};

const part: z.ZodType<SpecPart> = z.union([
  ref, // first: of two that fit equally well its problems are told
  z.discriminatedUnion('kind', [
    z.strictObject({ id, ...limit }),
    z.strictObject({ id, ...compare }),
    z.strictObject({ id, ...alert }),
    z.strictObject({ id, kind: z.literal('all-of'), ...composite }),
    z.strictObject({ id, kind: z.literal('any-of'), ...composite }),
  ]),
]);

const flip = z.templateLiteral(['flip:', id]);
const consequenceWord = expecting(
  z.union([z.enum(['rollback', 'hold', 'warn', 'page']), flip]),
  'one of rollback, hold, warn, page',
  'or flip:SWITCH',
);

// ── The list ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const consequence = {
  id,
  do: consequenceWord.describe('What follows when it fails.'),
  severity: z.enum(['P0', 'P1', 'P2']).default('P1'),
  when: z
    .enum(['canary', 'watch', 'always'])
    .default('always')
    .describe('canary: while steps run; watch: after promotion; always: both.'),
};

export const criterion = z.discriminatedUnion('kind', [
  z.strictObject({ ...consequence, ...limit }),
  z.strictObject({ ...consequence, ...compare }),
  z.strictObject({ ...consequence, ...alert }),
  z.strictObject({ ...consequence, kind: z.literal('all-of'), ...composite }),
  z.strictObject({ ...consequence, kind: z.literal('any-of'), ...composite }),
]);
