/** Before the start: whether anybody can tell which alerts fire, whether one does already, and whether hours can be told. */

import { isWithin } from '../judge/calendar.ts';
import { alertsQuery, matchersFor } from '../plan/alerts.ts';
import type { AlertCriterion, Criterion } from '../plan/criteria.ts';
import type { Plan } from '../plan/plan.ts';
import type { Asking } from './preflight-asking.ts';

/** That no alert fires says something only where a rule could raise one. */
export async function checkAlert(asking: Asking, criterion: AlertCriterion, plan: Plan): Promise<void> {
  const { source, stable, at, findings, signal } = asking;
  const matchers = matchersFor(criterion.matchers, stable);
  const sample = await source.alerts(matchers, at, signal);
  const query = alertsQuery(matchers);
  if (sample.kind === 'no-data') {
    findings.problem(
      'criterion.no-data',
      `criterion ${criterion.id} cannot tell whether an alert fires: ${sample.reason}. ` +
        `The connection must be a server that evaluates alerting rules, or knows those that do. Alerts: ${query}`,
    );
  } else if (sample.firing > 0) tellFiring(asking, criterion, plan, `${sample.names.join(', ')} of ${query}`);
}

/** What fires already would take the release back as soon as it had traffic, whatever it is like. */
function tellFiring({ findings }: Asking, criterion: AlertCriterion, plan: Plan, what: string): void {
  const isOnItsOwn = plan.criteria.includes(criterion) && criterion.onlyIf === undefined;
  const isAboutRelease = criterion.matchers.some(({ value }) => value.includes('{{'));
  const wouldGoBack = isOnItsOwn && !isAboutRelease && criterion.do === 'rollback' && criterion.when !== 'watch';
  const message = `criterion ${criterion.id} is about alerts that fire already: ${what}`;
  if (wouldGoBack) findings.problem('criterion.fires', `${message}. The rollout would go back at its first weight`);
  else findings.warning('criterion.fires', message);
}

/** The spec was read on another machine. */
export function checkTimezone(asking: Asking, criterion: Criterion): void {
  const { at, findings } = asking;
  const calendar = criterion.onlyIf?.calendar;
  if (calendar !== undefined && isWithin(calendar, at) === null) {
    const message = `criterion ${criterion.id}: this worker does not know the time zone ${calendar.timezone}`;
    findings.problem('criterion.timezone', message);
  }
  if (!('parts' in criterion)) return;
  for (const part of criterion.parts) if (part.kind === 'criterion') checkTimezone(asking, part.criterion);
}
