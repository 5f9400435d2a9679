/** The spec's `switches`: what can be turned off at once when a criterion fails or somebody says so. */

import * as z from 'zod';
import { expecting } from './expectations.ts';
import { id } from './names.ts';
import { smokeRun } from './smoke.ts';
import { dnsLabel, objectName } from './target.ts';
import { duration } from './values.ts';

const envName = expecting(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/),
  'the name of an environment variable',
  'such as SMART_MODE_ENABLED',
);

const configKey = expecting(z.string().regex(/^[-._A-Za-z0-9]{1,253}$/), 'a key of a ConfigMap', 'such as smart-mode');

const common = {
  id: id.describe('A criterion turns it off with do: flip:ID, a person with sluice flip.'),
  off: expecting(z.string().max(1000), 'a text in quotes', 'such as "false"').describe('The value that means off.'),
  verify: smokeRun('canary').nullable().default(null).describe('A smoke suite that must pass once it is off.'),
  rejudgeAfter: duration
    .prefault('5m')
    .describe('A criterion that turned it off and fails still, or again, after this long has its last word.'),
  stillBad: z.enum(['rollback', 'hold']).default('rollback').describe('That last word; also when it cannot be turned.'),
};

export const killSwitch = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('kubernetes-env'),
    ...common,
    deployment: z
      .array(z.enum(['stable', 'canary']))
      .min(1)
      .default(['stable', 'canary'])
      .describe('Whose pods get it: they are replaced one after the other.'),
    container: dnsLabel.nullable().default(null).describe('@default the container that the release is'),
    env: envName,
  }),
  z.strictObject({
    kind: z.literal('kubernetes-config'),
    ...common,
    configMap: objectName.describe('In the namespace of the target.'),
    key: configKey,
  }),
]);
