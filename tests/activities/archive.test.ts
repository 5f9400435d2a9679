import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, it, test } from 'vitest';
import { createArchive } from '../../activities/archive.ts';
import type { Archived, ArchiveInput } from '../../activities/contract.ts';
import type { Ports } from '../../activities/ports.ts';
import { faultsOf, type RecordBody, type RolloutRecord } from '../../plan/record.ts';
import { createClock } from '../../providers/clock.ts';
import type { Archive } from '../../providers/ports.ts';
import { createSecrets } from '../../providers/secrets/secrets.ts';
import { recordBody } from '../plan/records.ts';

/** An archive in memory. */
function shelf() {
  const kept = new Map<string, string>();
  const archive: Archive = {
    name: 'here',
    ping: async () => '',
    put: async (key, text) => void kept.set(key, text),
    shelf: null,
  };
  return { archive, kept };
}

const secret = { S_TOKEN: 's3cr3t-XYZ' };

async function keep(
  record: unknown,
  archive: Archive | null,
  expected = true,
  env: Record<string, string> = secret,
): Promise<Archived | null> {
  const secrets = await createSecrets({ from: 'env', prefix: 'S_', env });
  const ports = { clock: createClock(), archive, secrets, observer: { effect: () => undefined } } as unknown as Ports;
  const temporal = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  const input = { record: record as RecordBody, expected };
  return temporal.run<[ArchiveInput], Archived | null, (input: ArchiveInput) => Promise<Archived | null>>(
    createArchive(ports),
    input,
  );
}

describe('keeping a record', () => {
  it('writes it whole under its key, and answers with where it is and its digest', async () => {
    const { archive, kept } = shelf();
    const answer = await keep(recordBody(), archive);
    const [[key, text] = ['', '']] = kept;
    const record = JSON.parse(text) as RolloutRecord;
    expect(faultsOf(record)).toEqual([]);
    expect(record).toMatchObject({ masked: 0, status: { outcome: 'rolled-back' } });
    expect(answer).toEqual({ key, digest: record.digest, archive: 'here' });
  });

  it('hides every secret in it, says how often, and still says whose record it is', async () => {
    const { archive, kept } = shelf();
    const leak = { at: 3, code: 'smoke' as const, text: 'GET /api/logs?token=s3cr3t-XYZ answered s3cr3t-XYZ' };
    const body = recordBody();
    const digest = `sha256:${'7'.repeat(64)}`;
    const status = { ...body.status, reason: 'token s3cr3t-XYZ', planDigest: digest };
    const env = { ...secret, S_PIN: '7777', S_PLACE: 'production' };
    await keep({ ...body, status, timeline: [...body.timeline, leak] }, archive, true, env);
    const [[key, text] = ['', '']] = kept;
    expect(text).not.toContain('s3cr3t');
    const record = JSON.parse(text) as RolloutRecord;
    expect(record.status).toMatchObject({ reason: 'token ***', environment: 'production', planDigest: digest });
    expect(record.timeline.at(-1)?.text).toBe('GET /api/logs?token=*** answered ***');
    expect(record.masked).toBeGreaterThanOrEqual(2);
    expect(faultsOf(record)).toEqual([]);
    expect(key).toMatch(/^production\/web\//);
  });

  test.each<[string, unknown]>([
    ['nothing', null],
    ['a text', 'record'],
    ['half a record', { ...recordBody(), status: null }],
    ['a rollout that still runs', recordBody({ status: { ...recordBody().status, outcome: null } })],
    ['a service outside the archive', recordBody({ status: { ...recordBody().status, service: '../../etc' } })],
  ])('refuses %s for good, and writes nothing', async (_, record) => {
    const { archive, kept } = shelf();
    await expect(keep(record, archive)).rejects.toMatchObject({ type: 'invalid' });
    expect(kept.size).toBe(0);
  });

  it('on a worker without an archive is an error only when there was one to be expected', async () => {
    await expect(keep(recordBody(), null)).rejects.toMatchObject({ type: 'missing' });
    expect(await keep(recordBody(), null, false)).toBeNull();
  });
});
