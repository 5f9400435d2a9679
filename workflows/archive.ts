/** The record of a rollout is written to the operator's archive, however long that takes; nobody waits for it. */

import { isCancellation, log } from '@temporalio/workflow';
import { ActivityFailure } from '@temporalio/common';
import { formatDuration } from '../plan/units.ts';
import type { Archived, ArchiveInput } from '../activities/contract.ts';
import { sentenceOf } from './effects.ts';
import { archiveLateMs, keepingAtLast, keepingSoon, telling } from './proxies.ts';

/** Fails only for what is no record at all. */
export async function archive(input: ArchiveInput): Promise<Archived | null> {
  const { title, environment, service } = input.record.status;
  const summary = `keep the record of ${environment}/${service}`;
  try {
    return await keepingSoon.archive.executeWithOptions({ summary }, [input]);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    const since = formatDuration(archiveLateMs);
    const text = `it has been tried for ${since} and is tried on, without limit: ${sentenceOf(error)}`;
    await tell(input, 'P1', 'late', `${title}: its record is not in the archive yet`, text);
  }
  const kept = await keepingAtLast.archive.executeWithOptions({ summary: `${summary}, late` }, [input]);
  if (kept !== null) await tell(input, 'P2', 'kept', `${title}: its record is in the archive now`, kept.key);
  return kept;
}

async function tell({ record }: ArchiveInput, severity: 'P1' | 'P2', key: string, title: string, text: string) {
  const { rollout, run } = record.status;
  const notice = { rollout, severity, key: `${rollout}/${run}/archive-${key}`, title, text };
  await telling.announce
    .executeWithOptions({ summary: `tell people: ${title}`.slice(0, 180) }, [notice])
    .catch((error: unknown) => log.warn(`announcement "${title}" was not delivered`, { error: String(error) }));
}
