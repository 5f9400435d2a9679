/** The form of a plan that came in a message, as the types have it; what may not differ from the running plan is not looked at. */

import type {
  AlertCriterion,
  AlertMatcher,
  Calendar,
  CalendarWindow,
  CompareCondition,
  CompareCriterion,
  CompositeCriterion,
  LimitCondition,
  LimitCriterion,
  OnlyIf,
} from './criteria.ts';
import type {
  GatePlan,
  MetricsPlan,
  Plan,
  RollbackPlan,
  ScheduledSmoke,
  Separation,
  StepPlan,
  WatchPlan,
} from './plan.ts';
import type { SmokeRun } from './smoke.ts';
import * as is from './shape.ts';
import { suiteShape } from './suite-shape.ts';

/** A year and a day: longer than any rollout, short enough for every timer, ms. */
const longestMs = 366 * 86_400_000;

const ms = is.whole(0, longestMs);
const name = is.matching(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'name');
const index = is.whole(0, 200);

const run = is.object<SmokeRun>({ suite: name, aim: is.oneOf('canary', 'stable', 'public') });

// ── Steps and gates ──────────────────────────────────────────────────────────────────────────────────────────────────

const step = is.object<StepPlan>({
  weightBp: is.whole(1, 10_000),
  bakeMinMs: ms,
  bakeMaxMs: ms,
  smoke: is.list(run, 20),
  hold: is.object<StepPlan['hold']>({ forMs: ms, then: is.oneOf('rollback', 'hold') }),
});

const point = is.union({
  start: is.object({ kind: is.anything }),
  step: is.object({ kind: is.anything, index }),
  promote: is.object({ kind: is.anything }),
});

const roles = is.list(name, 50);
const byRoles = is.object({ kind: is.anything, roles });

const gate = is.object<GatePlan>({
  id: is.matching(/^[a-z0-9][a-z0-9._-]{0,62}(?:@[\d.]{1,6}%)?$/, 'gate'),
  point,
  require: is.list(
    is.union({
      'all-of': byRoles,
      'any-of': byRoles,
      'one-per': byRoles,
      'at-least': is.object({ kind: is.anything, count: is.whole(1, 50), role: name }),
    }),
    20,
  ),
  expiresMs: is.whole(1, longestMs),
  onExpiry: is.oneOf('abort', 'rollback', 'step-back', 'hold'),
  remindAt: is.list(is.range(0, 1), 20),
});

// ── Criteria ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const comparison = is.oneOf('>', '>=', '<', '<=', '==', '!=');

const onlyIf = is.object<OnlyIf>({
  calendar: is.optional(
    is.object<Calendar>({
      timezone: is.text(64),
      windows: is.list(
        is.object<CalendarWindow>({
          days: is.list(is.oneOf('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'), 7),
          fromMs: is.whole(0, 86_400_000),
          toMs: is.whole(0, 86_400_000),
        }),
        20,
      ),
    }),
  ),
  previousAbove: is.optional(is.finite),
});

const common = {
  kind: is.anything,
  id: name,
  do: is.matching(/^(?:rollback|hold|warn|page|flip:[a-z0-9][a-z0-9._-]{0,62})$/, 'consequence'),
  severity: is.oneOf('P0', 'P1', 'P2'),
  when: is.oneOf('canary', 'watch', 'always'),
  forMs: ms,
  warmUpMs: ms,
  minSamples: is.whole(0, 1_000_000_000),
  onlyIf: is.optional(onlyIf),
};

const query = is.text(10_000, 'lines');

const limit = is.object<LimitCondition>({
  op: comparison,
  value: is.finite,
  unit: is.optional(is.oneOf('%', 'ms', 's', null)),
});

const compare = is.object<CompareCondition>({ op: comparison, factor: is.finite });

const matcher = is.object<AlertMatcher>({
  label: is.matching(/^[A-Za-z_]\w{0,127}$/, 'label'),
  op: is.oneOf('=', '!=', '=~', '!~'),
  value: is.text(500),
});

/** Composites inside of composites: far more than anybody reads. */
const deepest = 5;

function criterion(depth: number): is.Check {
  const parts = (): is.Check =>
    is.union({
      ref: is.object({ kind: is.anything, criterion: name, phase: is.oneOf('failed', 'breached') }),
      criterion: is.object({ kind: is.anything, criterion: criterion(depth + 1) }),
    });
  const composite = is.object<CompositeCriterion>({
    ...common,
    parts: depth === deepest ? is.list(is.anything, 0) : is.list(parts(), 20),
  });
  return is.union({
    limit: is.object<LimitCriterion>({ ...common, query, breach: limit, clear: is.optional(limit) }),
    compare: is.object<CompareCriterion>({
      ...common,
      query,
      against: is.oneOf('stable'),
      breach: compare,
      clear: is.optional(compare),
      floor: is.range(0, Infinity),
    }),
    alert: is.object<AlertCriterion>({ ...common, matchers: is.list(matcher, 21) }),
    'all-of': composite,
    'any-of': composite,
  });
}

// ── The whole ────────────────────────────────────────────────────────────────────────────────────────────────────────

const scheduled = is.object<ScheduledSmoke>({
  run,
  everyMs: is.whole(1_000, longestMs),
  forMs: ms,
  failuresToRollback: is.whole(1, 1_000),
});

export const planShape: is.Check = is.object<Plan>({
  version: is.anything,
  service: is.anything,
  environment: is.anything,
  title: is.text(200),
  owner: is.orNull(is.text(200)),
  links: is.record(is.text(100), is.text(2_000)),
  release: is.anything,
  target: is.anything,
  capabilities: is.anything,
  metrics: is.orNull(
    is.object<MetricsPlan>({
      connection: is.anything,
      trackLabel: is.anything,
      lagMs: is.anything,
      everyMs: is.whole(1_000, longestMs),
      requests: is.anything,
    }),
  ),
  roles,
  gates: is.list(gate),
  separation: is.object<Separation>({ requesterMayApprove: is.flag, distinctPeople: is.flag }),
  suites: is.record(name, suiteShape),
  criteria: is.list(criterion(0)),
  switches: is.anything, // may not differ
  steps: is.list(step),
  rollback: is.object<RollbackPlan>({ withinMs: ms, confirm: is.list(run, 20), keepCanaryMs: ms }),
  watch: is.object<WatchPlan>({ forMs: ms, smoke: is.orNull(scheduled) }),
});
