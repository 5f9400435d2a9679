/** The rollout spec: what a release manager writes, its defaults, and its checks. */

import * as z from 'zod';
import { formatBp } from '../plan/units.ts';
import { defaultLadder } from '../plan/weights.ts';
import { approvals } from './approvals.ts';
import { checkApprovals } from './check-approvals.ts';
import { checkCriteria } from './check-criteria.ts';
import { checkSecrets } from './check-secrets.ts';
import { checkSmoke } from './check-smoke.ts';
import { checkSteps } from './check-steps.ts';
import { checkSwitches } from './check-switches.ts';
import { checkTarget } from './check-target.ts';
import { criterion } from './criteria.ts';
import { expecting } from './expectations.ts';
import { httpUrl, id, imageName, labelName, line } from './names.ts';
import { smoke, smokeAims, smokeRun } from './smoke.ts';
import { killSwitch } from './switches.ts';
import { target } from './target.ts';
import { duration, durationRange, span, weight } from './values.ts';
import { readDocument, type ReadResult } from './yaml.ts';

const metadata = z.strictObject({
  service: id,
  environment: id,
  title: line.optional().describe('For people. Default: the service.'),
  owner: id.optional().describe('The role that owns the service.'),
  links: z
    .record(id, httpUrl)
    .default({})
    .describe('Shown beside every request and on every screen: runbook, dashboard.'),
});

const release = z.strictObject({
  image: imageName,
  digest: z.literal('required').default('required').describe('Given at start: --image NAME@sha256:…'),
});

const pollInterval = expecting(
  span.refine((ms) => ms >= 500 && ms <= 300_000),
  'an interval between polls',
  'from 500ms to 5m, such as 15s',
);

const metrics = z.strictObject({
  connection: id.describe('Name of a metrics connection in the worker configuration.'),
  tracks: z
    .strictObject({ label: labelName.describe('The metrics label whose value is the release label.') })
    .prefault({ label: 'release' }),
  lag: duration.prefault('30s').describe('How far behind now queries are asked, so that scrapes have arrived.'),
  every: pollInterval.prefault('15s').describe('Time between two polls of all criteria.'),
  requests: z
    .string()
    .min(1)
    .max(2000)
    .nullable()
    .default(null)
    .describe('Plain selector of the request counter of all releases; gives observed shares and sample counts.'),
});

const step = z.strictObject({
  weight,
  bake: durationRange
    .prefault('30m..60m')
    .describe('Clean time that must pass, and the time after which an unclean step holds; 30m alone means 30m..60m.'),
  smoke: z.array(smokeRun('canary')).default([]),
  onHold: z.enum(['rollback', 'hold']).default('rollback').describe('What happens when nobody answers a hold.'),
  holdFor: span.prefault('24h').describe('How long a hold waits for a person.'),
});

const rollback = z.strictObject({
  within: span.prefault('5m').describe('From the decision to zero read back; later than this pages.'),
  confirm: z.array(smokeRun('stable')).default([]),
  keepCanary: duration.prefault('0s').describe('How long the bad release is kept, without traffic, for a look.'),
});

const watch = z.strictObject({
  for: duration.prefault('1h').describe('Time after promotion in which the rollout can still go back by itself.'),
  smoke: z
    .strictObject({
      suite: id,
      aim: z.enum(smokeAims).default('public'),
      every: span,
      for: span.optional().describe('Default: as long as the watch.'),
      failuresToRollback: z.int().min(1).max(1000).default(3).describe('Failures in a row.'),
    })
    .describe('After promotion; and on the release itself while people are asked, whose approvals a failure voids.')
    .nullable()
    .default(null),
});

/** The file's form; generates schema/sluice.schema.json. */
export const rolloutFile = z.strictObject({
  apiVersion: z.literal('sluice/v1'),
  kind: z.literal('Rollout'),
  metadata,
  target,
  release,
  metrics: metrics.nullable().default(null),
  people: z.strictObject({ roles: z.array(id).default([]) }).prefault({}),
  approvals: approvals.prefault({}),
  smoke: smoke.prefault({ suites: {} }),
  criteria: z.array(criterion).default([]),
  switches: z.array(killSwitch).max(50).default([]).describe('Features that can be turned off at once.'),
  steps: z
    .array(step)
    .min(1)
    .prefault(defaultLadder.map((bp) => ({ weight: formatBp(bp) })))
    .describe('Default: 1%, 5%, 25%, 100%.'),
  rollback: rollback.prefault({}),
  watch: watch.prefault({}),
});

/** A valid spec with its defaults filled in; what is left is to resolve it for a release on a target. */
export type Spec = z.output<typeof rolloutFile>;

/** The spec, or all problems of the file in the order of its lines. `file` is only used to name it. */
export function parseSpec(text: string, file: string): ReadResult<Spec> {
  return readDocument(text, file, rolloutFile, (root) => [
    ...checkTarget(root),
    ...checkApprovals(root),
    ...checkSteps(root),
    ...checkSmoke(root),
    ...checkCriteria(root),
    ...checkSwitches(root),
    ...checkSecrets(root),
  ]);
}
