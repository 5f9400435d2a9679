/** The difference between the plan of a running rollout and an edited one, and what will come of it. */

import { rolloutName } from '../../client/ids.ts';
import type { Edit, EditVerdict } from '../../plan/edit.ts';
import { clean } from './clean.ts';
import type { Paint } from './paint.ts';

export interface EditsPicture {
  readonly rollout: string;
  readonly edits: readonly Edit[];
  readonly verdict: EditVerdict;
  /** The gate that is asked, if any. */
  readonly asks: string | null;
  readonly planDigest: string;
  readonly fromDigest: string;
}

/** Lines joined by line ends, none at the end. */
export function renderEdits(foreign: EditsPicture, paint: Paint): string {
  const { rollout, edits, verdict, asks, planDigest, fromDigest } = clean(foreign);
  const name = rolloutName(rollout);
  if (verdict === 'same') return `${name}: the file says what the running plan says`;
  const marks = { tighter: paint.green('+'), 'needs-asking': paint.yellow('?'), forbidden: paint.red('✗') } as const;
  return [
    `${name}: plan ${fromDigest}`,
    ...edits.map(({ kind, sentence }) => `  ${marks[kind]} ${sentence}`),
    `becomes plan ${planDigest}`,
    ...outcomeOf(verdict, asks),
  ].join('\n');
}

function outcomeOf(verdict: EditVerdict, asks: string | null): readonly string[] {
  switch (verdict) {
    case 'tighter':
      return ['it only tightens: applied at once, and open gates ask again on the new plan'];
    case 'needs-asking':
      return asks === null ? [] : [`? does not only tighten: gate ${asks} is asked, and a yes puts it into force`];
    case 'forbidden':
    case 'same':
      return [];
  }
}
