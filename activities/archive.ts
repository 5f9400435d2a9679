/** The record of a rollout on its way into the operator's archive: secrets taken out, sealed, kept. */

import { keyOf } from '../plan/record-key.ts';
import { lackedBy, seal, type RecordBody } from '../plan/record.ts';
import { ProviderError } from '../providers/errors.ts';
import type { ArchiveInput, Archived } from './contract.ts';
import type { Ports } from './ports.ts';
import { verb } from './verb.ts';

/** `null` when nobody declared an archive and nobody expected one. */
export function createArchive(ports: Ports): (input: ArchiveInput) => Promise<Archived | null> {
  return verb(
    ports,
    'archive',
    () => `writing to ${ports.archive?.name ?? 'no archive'}`,
    async ({ record: body, expected }, signal) => {
      const { archive } = ports;
      if (archive === null) {
        if (!expected) return null;
        throw new ProviderError({ code: 'missing', doing, detail: 'this worker has no archive in its configuration' });
      }
      const lacks = lackedBy(body);
      if (lacks.length > 0) throw new ProviderError({ code: 'invalid', doing, detail: `it lacks ${lacks.join(', ')}` });
      const record = seal(masked(body, (text) => ports.secrets.redact(text)));
      const key = keyOf(record);
      if (key === null)
        throw new ProviderError({ code: 'invalid', doing, detail: 'it is no record of a rollout that ended' });
      await archive.put(key, `${JSON.stringify(record)}\n`, signal);
      return { key, digest: record.digest, archive: archive.name };
    },
  );
}

const doing = 'keep the record of a rollout';

/** Whose record it is stays readable, whatever the operator calls a secret. */
function masked(body: RecordBody, redact: (text: string) => string): RecordBody {
  let changed = 0;
  const hidden = texts(body, (text) => {
    const after = isDigest.test(text) ? text : redact(text);
    if (after !== text) changed += 1;
    return after;
  });
  const { format, status } = body;
  const { rollout, run, service, environment, phase, outcome } = status;
  return {
    ...hidden,
    format,
    status: { ...hidden.status, rollout, run, service, environment, phase, outcome },
    masked: body.masked + changed,
  };
}

const isDigest = /^sha256:[0-9a-f]{64}$/;

/** The same value with every text in it replaced; plain JSON in, plain JSON out. */
function texts<T>(value: T, change: (text: string) => string): T {
  const mapped = (one: unknown): unknown => {
    if (typeof one === 'string') return change(one);
    if (Array.isArray(one)) return one.map(mapped);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([name, entry]) => [name, mapped(entry)]));
  };
  return mapped(value) as T;
}
