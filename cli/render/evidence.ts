/** What an approver sees before signing: release, plan, weights, verdicts and who else has answered. */

import type { RequestStatus, Status } from '../../plan/status.ts';
import { nameOf } from '../../plan/release.ts';
import { clean } from './clean.ts';
import type { Paint } from './paint.ts';
import { findingLines, ladder, requestLines, weightLines } from './parts.ts';
import { block, blockWidth, wrap } from './text.ts';

export interface EvidencePicture {
  readonly status: Status;
  readonly request: RequestStatus;
  /** Epoch ms. */
  readonly now: number;
  readonly width: number;
}

/** Lines joined by line ends, none at the end. */
export function renderEvidence(foreign: EvidencePicture, paint: Paint): string {
  const { status, request, now, width } = clean(foreign);
  return [
    `${paint.bold(`${status.service} in ${status.environment}`)}: gate ${paint.bold(request.gate)}`,
    ...block('release', [`${nameOf(status.release)} from ${status.release.image}`]),
    ...block('stable', [status.stable === null ? 'unknown' : nameOf(status.stable)]),
    ...block('ladder', [ladder(status, paint)]),
    ...block('weight', weightLines(status, width, paint)),
    ...block('criteria', findingLines(status.findings, width, paint)),
    ...block(
      'smoke',
      status.smoke.map((smoke) => `${smoke.passed ? '✓' : '✗'} ${smoke.suite} at ${smoke.aim}`),
    ),
    ...block(
      'warnings',
      status.warnings.flatMap((warning) => wrap(warning, blockWidth(width))),
    ),
    ...block('gate', requestLines(request, now, width, paint)),
    ...editBlocks(request, width),
    ...block('plan', [status.planDigest]),
    ...block('evidence', [`${request.evidenceDigest} (revision ${String(request.evidenceRevision)})`]),
  ].join('\n');
}

/** What would change, and into which plan. */
function editBlocks({ edit }: RequestStatus, width: number): readonly string[] {
  if (edit === undefined) return [];
  const asked = `${edit.by}: ${edit.reason}`;
  const lines = [asked, ...edit.edits].flatMap((line) => wrap(line, blockWidth(width)));
  return [...block('edit', lines), ...block('new plan', [edit.planDigest])];
}
