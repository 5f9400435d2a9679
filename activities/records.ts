/** Reads the archive for those who have no credentials to it: one record, or a list of the newest. */

import { parseKey, type RecordKey } from '../plan/record-key.ts';
import { lackedBy, type RolloutRecord } from '../plan/record.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Shelf } from '../providers/ports.ts';
import type { ArchivedRow, InspectAnswer, RecordQuestion, RecordsQuestion } from './contract.ts';
import type { Ports } from './ports.ts';

type AnswerTo<Kind> = Extract<InspectAnswer, { kind: Kind }>;

/** What an answer may weigh on its way through Temporal, characters of JSON. */
const largestAnswer = 1_900_000;
const mostRows = 200;
const atOnce = 8;

export async function readRecord(
  ports: Ports,
  question: RecordQuestion,
  signal: AbortSignal,
): Promise<AnswerTo<'record'>> {
  const { archive, shelf } = shelfOf(ports);
  const { environment, service, run } = question;
  const { found } = await newestFirst(shelf, `${environment}/${service}/`, signal);
  const [newest] = found.filter((one) => run === null || one.parsed.run.startsWith(run));
  if (newest === undefined) return { kind: 'record', record: null, from: archive };
  const text = await shelf.get(newest.key, signal);
  const from = `${archive}, ${newest.key}`;
  if (text.length > largestAnswer) {
    throw new ProviderError({ code: 'invalid', doing, detail: `too large to be handed on: see ${from}` });
  }
  const record = recordOf(text);
  if (record === null)
    throw new ProviderError({ code: 'invalid', doing, detail: `what stands there is no record: ${from}` });
  return { kind: 'record', record, from };
}

export async function listRecords(
  ports: Ports,
  question: RecordsQuestion,
  signal: AbortSignal,
): Promise<AnswerTo<'records'>> {
  const { shelf } = shelfOf(ports);
  const { environment, service, outcome, limit } = question;
  const beginning = environment === null ? '' : `${environment}/${service === null ? '' : `${service}/`}`;
  const { found, complete } = await newestFirst(shelf, beginning, signal);
  const wanted = found.filter(
    ({ parsed }) => (service ?? parsed.service) === parsed.service && (outcome ?? parsed.outcome) === parsed.outcome,
  );
  const shown = wanted.slice(0, Math.min(limit, mostRows));
  const rows: ArchivedRow[] = [];
  for (let at = 0; at < shown.length; at += atOnce)
    rows.push(...(await Promise.all(shown.slice(at, at + atOnce).map((one) => rowOf(shelf, one, signal)))));
  return { kind: 'records', rows, complete: complete && (shown.length === wanted.length || shown.length === limit) };
}

const doing = 'read the archive';

function shelfOf({ archive }: Ports): { archive: string; shelf: Shelf } {
  if (archive === null) {
    throw new ProviderError({ code: 'missing', doing, detail: 'the worker has no archive in its configuration' });
  }
  if (archive.shelf === null) {
    throw new ProviderError({ code: 'missing', doing, detail: `the ${archive.name} can only be written` });
  }
  return { archive: archive.name, shelf: archive.shelf };
}

interface Found {
  readonly key: string;
  readonly parsed: RecordKey;
}

async function newestFirst(
  shelf: Shelf,
  beginning: string,
  signal: AbortSignal,
): Promise<{ found: readonly Found[]; complete: boolean }> {
  const { keys, complete } = await shelf.keys(beginning, signal);
  const found = keys.flatMap((key): readonly Found[] => {
    const parsed = parseKey(key);
    return parsed === null ? [] : [{ key, parsed }];
  });
  return { found: found.sort((one, other) => other.parsed.startedAt - one.parsed.startedAt), complete };
}

async function rowOf(shelf: Shelf, { key, parsed }: Found, signal: AbortSignal): Promise<ArchivedRow> {
  const { environment, service, run, outcome, startedAt } = parsed;
  const record = recordOf(await shelf.get(key, signal));
  const { release, requester, weights, at } = record?.status ?? {};
  const bp = weights?.acceptedBp ?? weights?.requestedBp;
  return {
    ...{ environment, service, run, outcome, startedAt },
    label: release?.label ?? null,
    requester: requester ?? null,
    percent: bp === undefined ? null : Math.round(bp / 100),
    endedAt: at ?? null,
  };
}

/** `null` for what is none; whether it is whole is for whoever asked to see. */
function recordOf(text: string): RolloutRecord | null {
  try {
    const value: unknown = JSON.parse(text);
    return lackedBy(value).length === 0 ? (value as RolloutRecord) : null;
  } catch {
    return null; // cut, or of somebody else
  }
}
