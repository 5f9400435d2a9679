/** What is said right after a start: where it stands, or why it was refused, and how to follow it. */

import { rolloutName } from '../../client/ids.ts';
import type { Status } from '../../plan/status.ts';
import { clean } from './clean.ts';

export interface StartedPicture {
  readonly rollout: string;
  readonly planDigest: string;
  /** First status after preflight; `null` while that still runs. */
  readonly status: Status | null;
}

/** Lines joined by line ends, none at the end. */
export function renderStarted(foreign: StartedPicture): string {
  const { rollout, planDigest, status } = clean(foreign);
  const name = rolloutName(rollout);
  if (status?.outcome != null) {
    const problems = status.problems.length === 0 ? [status.reason ?? ''] : status.problems;
    return [`${name} ${status.outcome}:`, ...problems.map((problem) => `  ✗ ${problem}`)].join('\n');
  }
  const open = (status?.requests ?? []).filter((request) => request.state === 'open');
  return [
    `${name} started: ${status === null ? 'preflight runs' : status.phase}`,
    `  plan ${planDigest}`,
    ...(status?.warnings ?? []).map((warning) => `  ! ${warning}`),
    ...open.map(({ gate, missing }) => `  gate ${gate} waits for ${missing}: sluice approve ${name} ${gate}`),
    `  follow it with: sluice watch ${name}`,
  ].join('\n');
}
