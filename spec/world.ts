/** The file of a simulated world: how a service and its releases behave over time, what goes wrong, and who answers. */

import * as z from 'zod';
import type { Plan } from '../plan/plan.ts';
import { checkWorld } from './check-world.ts';
import { expecting } from './expectations.ts';
import { id, person } from './names.ts';
import { duration, ratio, span, weight } from './values.ts';
import { beginning, duringSpans, momentKeys, momentOf, spanOf, timeline } from './world-time.ts';
import { readDocument, type ReadResult } from './yaml.ts';

// ── Releases ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const labelText = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const label = expecting(
  z.string().regex(labelText),
  'a label',
  'of up to 63 letters, digits, ".", "_" or "-", such as v7.3.1',
);

const requestRate = expecting(z.number().min(0).max(1_000_000), 'a number of requests a second', 'such as 120 or 0.5');
const smokeAnswer = expecting(
  z.union([z.literal('pass'), z.int().min(100).max(599)]),
  '"pass" or an HTTP status',
  'such as 503',
);

/** Exact in later sums. */
const thousandths = (value: number): number => Math.round(value * 1_000);
const millionths = (value: number): number => Math.round(value * 1_000_000);

const release = z
  .strictObject({
    ready: z
      .union([expecting(z.literal('never'), '"never"').transform(() => null), duration])
      .prefault('2s')
      .describe('From its start until it is ready, or never.'),
    unready: z
      .array(z.strictObject({ ...momentKeys, for: span.optional() }).transform(spanOf))
      .prefault([])
      .transform(duringSpans)
      .describe('Its health check fails, it answers on.'),
    dies: z
      .array(z.strictObject(momentKeys).transform((written) => momentOf(written) ?? beginning))
      .default([])
      .describe('Its processes end by themselves.'),
    errors: timeline(ratio.transform(millionths)).prefault('0%').describe('Share of requests that fail.'),
    latency: timeline(duration).prefault('5ms').describe('How long its answers to smoke requests take.'),
    smoke: timeline<'pass' | number>(smokeAnswer)
      .prefault('pass')
      .describe('What smoke requests are told: what they expect, or this status.'),
  })
  .transform(({ ready, errors, latency, ...rest }) => ({
    ...rest,
    /** From its start until it is ready; `null`: never. */
    readyAfterMs: ready,
    /** Failing requests in a million. */
    errorsPpm: errors,
    latencyMs: latency,
  }));

/** How one release behaves, wherever it runs. */
export type WorldRelease = z.output<typeof release>;

// ── Measures ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const words = ['good', 'bad', 'NaN', '+Inf', '-Inf', 'empty', 'stale', 'unavailable'] as const;

/**
 * What a query says: a number; the good or the bad side of its criterion, whatever that is; or why there is none.
 * `stale` is the number before with its old time, `unavailable` a 503.
 */
export type Measure = number | (typeof words)[number];

const measure = expecting(
  z.union([z.number(), z.enum(words)]),
  'a value',
  'such as 0.004, good, bad, NaN, +Inf, -Inf, empty, stale or unavailable',
);

// ── What goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────

/** The control APIs of a world, and where its users and its people are reached. */
export const worldPlaces = ['proxy', 'users', 'host', 'slots', 'metrics', 'notify'] as const;
export type WorldPlace = (typeof worldPlaces)[number];

const faultKinds = ['slow', 'reset-before', 'reset-after', 'no-effect', 'conflict', 'error', 'hang'] as const;

const fault = z
  .strictObject({
    of: z.enum(worldPlaces).describe('Which door: the proxy’s admin API, the deploy host, the metrics server, …'),
    what: z
      .enum(faultKinds)
      .describe(
        'reset-after: it had its effect; no-effect: 200, and nothing happened; conflict: 412; hang: no answer.',
      ),
    ...momentKeys,
    for: span.optional().describe('Default: to the end.'),
    chance: ratio.default(1).describe('Which share of the requests meets it.'),
    methods: z
      .array(z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']))
      .min(1)
      .optional()
      .describe('Default: all.'),
    by: span.prefault('3s').describe('slow: how much later the answer comes.'),
    status: expecting(z.int().min(500).max(599), 'a status of a failing server', 'from 500 to 599')
      .default(503)
      .describe('error: what is answered.'),
  })
  .transform(({ of, what, chance, methods, by, status, ...when }) => ({
    of,
    what,
    chance,
    /** `null` for all. */
    methods: methods ?? null,
    byMs: by,
    status,
    during: spanOf(when),
  }));

/** One way in which exchanges with a door go wrong for a time; drawn and played by the network. */
export type WorldFault = z.output<typeof fault>;

const proxyEvent = z.discriminatedUnion('do', [
  z
    .strictObject({
      do: z.literal('restart'),
      ...momentKeys,
      resume: z.boolean().default(true).describe('Started with --resume; without it, it goes back to its file.'),
      down: duration.prefault('1s').describe('Nobody listens meanwhile.'),
    })
    .transform(({ do: what, resume, down, ...when }) => ({
      do: what,
      resume,
      downMs: down,
      when: momentOf(when) ?? beginning,
    })),
  z
    .strictObject({
      do: z.literal('weights'),
      ...momentKeys,
      canary: weight.describe('What somebody gives the release under test by hand.'),
    })
    .transform(({ do: what, canary, ...when }) => ({ do: what, canaryBp: canary, when: momentOf(when) ?? beginning })),
]);

/** What happens to the proxy without anybody of ours. */
export type ProxyEvent = z.output<typeof proxyEvent>;

// ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const reason = z.string().min(1).max(1_000);

const answer = z
  .strictObject({
    gate: z.string().min(1).max(130).describe('Id of the gate: wide for each of its steps, wide@25% for one of them.'),
    by: person,
    decision: z.enum(['approve', 'reject', 'more-soak']).default('approve'),
    after: duration.prefault('1m').describe('So long after the question was asked.'),
    soak: span.optional().describe('more-soak: how much.'),
    reason: reason.optional(),
  })
  .transform(({ after, soak, reason: why, ...rest }) => ({
    ...rest,
    afterMs: after,
    soakMs: soak ?? null,
    reason: why ?? null,
  }));

/** How somebody answers whenever a gate asks. */
export type WorldAnswer = z.output<typeof answer>;

const acts = ['abort', 'pause', 'resume', 'step-back', 'freeze', 'lift', 'detach', 'cancel'] as const;

const act = z
  .strictObject({
    do: z.enum(acts),
    ...momentKeys,
    by: person,
    to: weight.optional().describe('step-back: the weight to go down to.'),
    reason: reason.optional(),
  })
  .transform(({ to, reason: why, do: what, by, ...when }) => ({
    do: what,
    by,
    toBp: to ?? null,
    reason: why ?? null,
    when: momentOf(when) ?? beginning,
  }));

/** What an operator does unasked. */
export type WorldAct = z.output<typeof act>;

// ── The file ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const releaseKey = expecting(z.string().regex(labelText), 'a release', 'by its label, or stable, or canary');

/** The file's form; generates schema/world.schema.json. */
export const worldFile = z.strictObject({
  apiVersion: z.literal('sluice/v1'),
  kind: z.literal('World'),
  stable: label.default('stable').describe('Label of the release that serves when the world begins.'),
  requests: timeline(requestRate.transform(thousandths)).prefault(100).describe('User requests a second.'),
  scrape: span.prefault('5s').describe('How often the metrics server looks at the counters.'),
  releases: z.record(releaseKey, release).default({}),
  criteria: z
    .record(id, z.record(releaseKey, timeline(measure)))
    .default({})
    .describe(
      'What each criterion’s query says, by release; good where nothing is written. For alerts: how many fire, bad is one.',
    ),
  faults: z.array(fault).default([]),
  proxy: z.array(proxyEvent).default([]),
  people: z.array(answer).default([]),
  acts: z.array(act).default([]),
});

/** A world as it was written, in plain numbers; releases by label, or by the part they play in the beginning. */
export type WorldScript = ReturnType<typeof scriptOf>;

function scriptOf(file: z.output<typeof worldFile>) {
  const { stable, requests, scrape, releases, criteria, faults, proxy, people, acts } = file;
  return {
    releases,
    criteria,
    faults,
    proxy,
    people,
    acts,
    stableLabel: stable,
    /** User requests in a thousand seconds. */
    milliRequests: requests,
    scrapeMs: scrape,
  };
}

/** The world, or all problems of the file; with a plan, also what the world says about things that the plan has not. */
export function parseWorld(text: string, file: string, plan: Plan | null = null): ReadResult<WorldScript> {
  const result = readDocument(text, file, worldFile, (root) => checkWorld(root, plan));
  return result.ok ? { ...result, value: scriptOf(result.value) } : result;
}

/** A world in which nothing is written: a hundred requests a second, and all is well. */
export const plainWorld: WorldScript = scriptOf(worldFile.parse({ apiVersion: 'sluice/v1', kind: 'World' }));

/** A release about which nothing is written. */
export const plainRelease: WorldRelease = release.parse({});
