/** The spec's `approvals`: who must agree, at which points, and what happens when nobody answers. */

import * as z from 'zod';
import type { Clause } from '../plan/plan.ts';
import { id } from './names.ts';
import { ratio, span, weight } from './values.ts';

const roles = z.array(id).min(1);

/** One quorum clause; all clauses of a gate must hold. */
const clause = z.union([
  z.strictObject({ allOf: roles }).transform(({ allOf }): Clause => ({ kind: 'all-of', roles: allOf })),
  z.strictObject({ anyOf: roles }).transform(({ anyOf }): Clause => ({ kind: 'any-of', roles: anyOf })),
  z.strictObject({ onePer: roles }).transform(({ onePer }): Clause => ({ kind: 'one-per', roles: onePer })),
  z
    .strictObject({ atLeast: z.int().min(1).max(50), of: id })
    .transform(({ atLeast, of }): Clause => ({ kind: 'at-least', count: atLeast, role: of })),
]);

const common = {
  id,
  expires: span.prefault('24h').describe('An unanswered request ends after this long.'),
  escalate: z
    .array(z.strictObject({ at: ratio, remind: z.literal('missing') }))
    .prefault([
      { at: '50%', remind: 'missing' },
      { at: '90%', remind: 'missing' },
    ])
    .describe('Reminders to the missing roles, at shares of the time to expiry.'),
};

const laterExpiry = z.enum(['rollback', 'abort', 'step-back', 'hold']).default('rollback');

const startGate = z.strictObject({
  ...common,
  at: z.literal('start'),
  require: z.array(clause).min(1),
  onExpiry: z.enum(['abort', 'hold']).default('abort'),
});

const stepGate = z.strictObject({
  ...common,
  at: z.literal('before-step'),
  steps: z.array(weight).min(1).optional().describe('The steps that ask, by weight; all of them without this.'),
  require: z.array(clause).min(1).optional(),
  bands: z
    .array(z.strictObject({ upTo: weight, require: z.array(clause) }))
    .min(1)
    .optional()
    .describe('Who must agree, by exposure; a step asks the first band that reaches its weight.'),
  onExpiry: laterExpiry,
});

const promoteGate = z.strictObject({
  ...common,
  at: z.literal('promote'),
  require: z.array(clause).min(1),
  onExpiry: laterExpiry,
});

const gate = z.discriminatedUnion('at', [startGate, stepGate, promoteGate]);

export const approvals = z.strictObject({
  gates: z.array(gate).default([]),
  separation: z
    .strictObject({
      requesterMayApprove: z.boolean().default(false),
      distinctPeople: z
        .boolean()
        .default(true)
        .describe('One person counts once per request, whatever roles they hold.'),
    })
    .prefault({}),
});
