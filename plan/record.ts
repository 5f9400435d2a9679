/** The record of a rollout: all that is known of it, whole and checkable by somebody who trusts nobody. Outlives Temporal. */

import { utf8ToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import type { ApprovalRequest } from '../approvals/request.ts';
import { digestOf } from './digest.ts';
import type { Plan } from './plan.ts';
import type { Status } from './status.ts';
import type { TimelineEvent } from './timeline.ts';

export const recordFormat = 'sluice/record/v1';

/** Plain JSON; times are epoch ms, weights basis points. */
export interface RecordBody {
  readonly format: typeof recordFormat;
  /** How it stood: at the outcome, or while it runs at the moment of the question. */
  readonly status: Status;
  /** `null` when it alone was too large; `status.planDigest` names it all the same. */
  readonly plan: Plan | null;
  /** Every gate that was asked, with its newest frozen evidence and everything that was said. */
  readonly requests: readonly ApprovalRequest[];
  readonly timeline: readonly TimelineEvent[];
  /** What is not here although it happened, in words; empty when nothing is missing. */
  readonly leftOut: readonly string[];
  /** Texts in which a secret was hidden; where there are any, the digests inside name what stood there before. */
  readonly masked: number;
}

/** `digest`: SHA-256 of the RFC 8785 canonical JSON of all the rest. */
export interface RolloutRecord extends RecordBody {
  readonly digest: string;
}

/** Whatever carries a record takes two megabytes; the rest is room for what stands around it, bytes of canonical JSON. */
export const largestRecord = 1_500_000;

const keptEvents = 50;

/** The same body when it is small enough, else with less and less in it. */
export function fitted(body: RecordBody, largest = largestRecord): RecordBody {
  const smaller = [withoutOldEvents, withoutIgnored, withoutEvidence, withoutPlan];
  return smaller.reduce((one, cut) => (sizeOf(one) <= largest ? one : cut(one)), body);
}

function sizeOf(body: RecordBody): number {
  return utf8ToBytes(canonicalize(body) ?? '').length;
}

function withoutOldEvents(body: RecordBody): RecordBody {
  const [first, ...later] = body.timeline;
  const kept = [...(first === undefined ? [] : [first]), ...later.slice(-keptEvents)];
  return leaving(body, `${String(body.timeline.length - kept.length)} older events`, { timeline: kept });
}

function withoutIgnored(body: RecordBody): RecordBody {
  const { ignored } = body.status;
  return leaving(body, `${String(ignored.length)} ignored messages`, { status: { ...body.status, ignored: [] } });
}

function withoutEvidence(body: RecordBody): RecordBody {
  return leaving(body, 'the evidence of all requests; their digests are in the status', { requests: [] });
}

function withoutPlan(body: RecordBody): RecordBody {
  return leaving(body, 'the plan; its digest is in the status', { plan: null });
}

function leaving(body: RecordBody, what: string, without: Partial<RecordBody>): RecordBody {
  return { ...body, ...without, leftOut: [...body.leftOut, `too large: ${what}`] };
}

export function seal(body: RecordBody): RolloutRecord {
  return { ...body, digest: digestOf(body) };
}

/** Everything that does not fit together, in words; empty for a whole record. Believes nothing about `value`. */
export function faultsOf(value: unknown): readonly string[] {
  if (!isRecord(value)) return ['it is no record of a rollout'];
  if (value['format'] !== recordFormat) return [`its format is not ${recordFormat}`];
  const lacks = lackedBy(value);
  if (lacks.length > 0) return [`it lacks ${lacks.join(', ')}`];
  const { digest, ...body } = value;
  const whole = mismatch('the record', digest, body);
  return value['masked'] === 0 ? [...whole, ...faultsInside(value)] : whole;
}

const texts = ['rollout', 'run', 'service', 'environment', 'planDigest', 'requester', 'phase'];
const moments = ['startedAt', 'at'];

/** Parts without which nothing can be done with a record, by name. */
export function lackedBy(record: unknown): readonly string[] {
  if (!isRecord(record)) return ['everything'];
  const { status, timeline, requests, leftOut, masked } = record;
  const isEvent = (event: unknown) =>
    Number.isFinite(fieldOf(event, 'at')) && typeof fieldOf(event, 'text') === 'string';
  const isRequest = (request: unknown) => Array.isArray(fieldOf(request, 'decisions'));
  const parts = {
    ...Object.fromEntries(texts.map((name) => [`status.${name}`, typeof fieldOf(status, name) === 'string'])),
    ...Object.fromEntries(moments.map((name) => [`status.${name}`, Number.isFinite(fieldOf(status, name))])),
    'status.release': typeof fieldOf(fieldOf(status, 'release'), 'digest') === 'string',
    timeline: Array.isArray(timeline) && timeline.every(isEvent),
    requests: Array.isArray(requests) && requests.every(isRequest),
    leftOut: Array.isArray(leftOut),
    masked: Number.isInteger(masked),
  };
  return Object.entries(parts).flatMap(([part, isThere]) => (isThere ? [] : [part]));
}

/** What approvers saw and signed: the plan and the evidence of each gate. */
function faultsInside({ plan, status, requests }: Readonly<Record<string, unknown>>): readonly string[] {
  const evidence = listOf(requests).flatMap((request) => {
    const shown = fieldOf(request, 'evidence');
    const gate = String(fieldOf(fieldOf(request, 'gate'), 'id'));
    return mismatch(`the evidence of gate ${gate}`, fieldOf(shown, 'digest'), fieldOf(shown, 'facts'));
  });
  return [...(plan === null ? [] : mismatch('the plan', fieldOf(status, 'planDigest'), plan)), ...evidence];
}

function mismatch(what: string, digest: unknown, content: unknown): readonly string[] {
  const computed = computedFor(content);
  return computed === digest ? [] : [`${what} is not what its digest ${String(digest)} names: it has ${computed}`];
}

function computedFor(content: unknown): string {
  try {
    return digestOf(content);
  } catch {
    return 'none'; // JSON that was typed by hand may hold what has no canonical form
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
