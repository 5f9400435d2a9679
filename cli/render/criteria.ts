/** A plan's criteria as a person reads them: conditions, consequences, queries as they will be asked, parts below their whole. */

import { calendarInWords } from '../../judge/calendar.ts';
import { limitInWords } from '../../judge/sentences.ts';
import { alertsQuery, matchersFor } from '../../plan/alerts.ts';
import type { Criterion } from '../../plan/criteria.ts';
import type { Plan } from '../../plan/plan.ts';
import { renderQuery } from '../../plan/promql.ts';
import { formatDuration } from '../../plan/units.ts';
import type { Paint } from './paint.ts';

/** One criterion of a plan: when it is bad, what follows, and what is asked. */
export function criterionLines(criterion: Criterion, plan: Plan, paint: Paint): readonly string[] {
  const { severity, when } = criterion;
  return [
    `  ${conditionOf(criterion)} -> ${criterion.do} (${severity}, ${when}${samplesOf(criterion)})`,
    ...askedBy(criterion, plan, paint, '    '),
  ];
}

/** `errors: > 1% until < 0.5% for 5m, only mon-fri 09:00-18:00 UTC` */
function conditionOf(criterion: Criterion): string {
  const { id, forMs, onlyIf } = criterion;
  const sustained = forMs === 0 ? '' : ` for ${formatDuration(forMs)}`;
  const hours = onlyIf?.calendar === undefined ? '' : `, only ${calendarInWords(onlyIf.calendar)}`;
  const before = onlyIf?.previousAbove === undefined ? '' : `, only after it was > ${String(onlyIf.previousAbove)}`;
  return `${id}: ${limitInWords(criterion)}${sustained}${hours}${before}`;
}

function samplesOf({ minSamples }: Criterion): string {
  return minSamples === 0 ? '' : `, at least ${String(minSamples)} requests`;
}

/** The query as it will be asked, or a composite's parts. */
function askedBy(criterion: Criterion, plan: Plan, paint: Paint, indent: string): readonly string[] {
  const { release } = plan;
  switch (criterion.kind) {
    case 'limit':
    case 'compare': {
      const trackLabel = plan.metrics?.trackLabel ?? 'release';
      return [paint.dim(`${indent}${renderQuery(criterion.query, { trackLabel, release })}`)];
    }
    case 'alert':
      return [paint.dim(`${indent}${alertsQuery(matchersFor(criterion.matchers, release))}`)];
    case 'all-of':
    case 'any-of':
      return criterion.parts.flatMap((part) =>
        part.kind === 'ref'
          ? [`${indent}${part.criterion}: ${part.phase}`]
          : [
              `${indent}${conditionOf(part.criterion)}${samplesOf(part.criterion)}`,
              ...askedBy(part.criterion, plan, paint, `${indent}  `),
            ],
      );
  }
}
