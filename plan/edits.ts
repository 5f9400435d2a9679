/** All edits between the running plan and an edited one, and the gate that is asked about what does not tighten. */

import { durationEdits, isSame, runEdits, type Edit, type Position } from './edit.ts';
import { criteriaEdits } from './edit-criteria.ts';
import { gateEdits } from './edit-gates.ts';
import { ladderEdits } from './edit-ladder.ts';
import type { GatePlan, Plan } from './plan.ts';

/** Every difference, in the order of the plan; empty only when both plans say the same. Pure, never throws on plans. */
export function editsOf(from: Plan, to: Plan, at: Position): readonly Edit[] {
  if (isSame(from, to)) return [];
  const edits = [
    ...fixedEdits(from, to),
    ...textEdits(from, to),
    ...metricsEdits(from, to),
    ...separationEdits(from, to),
    ...gateEdits(from, to, at),
    ...suiteEdits(from, to),
    ...criteriaEdits(from.criteria, to.criteria),
    ...ladderEdits(from, to, at),
    ...rollbackEdits(from, to),
    ...watchEdits(from, to, at),
  ];
  const unsaid = 'the plans differ only in the order of their parts, which changes nothing';
  return edits.length > 0 ? edits : [{ kind: 'forbidden', sentence: unsaid }];
}

/** The gate that asks the most people, of several the last; `null` when no gate asks anybody. */
export function strictestGate({ gates }: Plan): GatePlan | null {
  const most = Math.max(0, ...gates.map(seatsOf));
  return most === 0 ? null : (gates.filter((gate) => seatsOf(gate) === most).at(-1) ?? null);
}

function seatsOf({ require }: GatePlan): number {
  const seats = require.map((clause) => {
    switch (clause.kind) {
      case 'all-of':
      case 'one-per':
        return clause.roles.length;
      case 'any-of':
        return 1;
      case 'at-least':
        return clause.count;
    }
  });
  return seats.reduce((sum, count) => sum + count, 0);
}

// ── Small parts ──────────────────────────────────────────────────────────────────────────────────────────────────

function fixedEdits(from: Plan, to: Plan): readonly Edit[] {
  const parts = {
    version: 'the form of plans',
    service: 'the service',
    environment: 'the environment',
    release: 'the release',
    target: 'the target',
    capabilities: 'what the target can do',
    switches: 'the kill switches',
  } as const;
  return (Object.keys(parts) as (keyof typeof parts)[]).flatMap((key): readonly Edit[] =>
    isSame(from[key] ?? null, to[key] ?? null)
      ? []
      : [{ kind: 'forbidden', sentence: `${parts[key]} cannot be edited: start another rollout for that` }],
  );
}

function textEdits(from: Plan, to: Plan): readonly Edit[] {
  return (['title', 'owner', 'links'] as const).flatMap((key): readonly Edit[] =>
    isSame(from[key], to[key]) ? [] : [{ kind: 'tighter', sentence: `${key} reads differently, which is only text` }],
  );
}

function metricsEdits({ metrics: from }: Plan, { metrics: to }: Plan): readonly Edit[] {
  if (from === null || to === null || !isSame({ ...from, everyMs: 0 }, { ...to, everyMs: 0 })) {
    const sentence = 'where and how metrics are asked cannot be edited: every verdict so far rests on it';
    return isSame(from, to) ? [] : [{ kind: 'forbidden', sentence }];
  }
  const way = { tighter: 'shorter', otherwise: 'forbidden' } as const;
  return durationEdits('metrics: the time between two polls', from.everyMs, to.everyMs, way);
}

function separationEdits({ separation: from }: Plan, { separation: to }: Plan): readonly Edit[] {
  const requester = stricter(from.requesterMayApprove, to.requesterMayApprove, false, 'who starts a rollout');
  const distinct = stricter(from.distinctPeople, to.distinctPeople, true, 'one person with several roles');
  return [...requester, ...distinct];
}

function stricter(from: boolean, to: boolean, strict: boolean, who: string): readonly Edit[] {
  if (from === to) return [];
  const may = strict ? 'counts once per request' : 'may not approve it';
  return to === strict
    ? [{ kind: 'tighter', sentence: `${who} ${may}` }]
    : [{ kind: 'forbidden', sentence: `that ${who} ${may} cannot be taken back while it runs` }];
}

function suiteEdits({ suites: from }: Plan, { suites: to }: Plan): readonly Edit[] {
  const known = Object.entries(from).flatMap(([name, suite]): readonly Edit[] =>
    Object.hasOwn(to, name) && isSame(suite, to[name])
      ? []
      : [{ kind: 'forbidden', sentence: `smoke suite ${name} cannot be edited: add another one beside it` }],
  );
  const added = Object.keys(to).filter((name) => !Object.hasOwn(from, name));
  return [...known, ...added.map((name): Edit => ({ kind: 'tighter', sentence: `smoke suite ${name} is added` }))];
}

function rollbackEdits({ rollback: from }: Plan, { rollback: to }: Plan): readonly Edit[] {
  const within = { tighter: 'shorter', otherwise: 'needs-asking' } as const;
  const kept = { tighter: 'longer', otherwise: 'needs-asking' } as const;
  return [
    ...durationEdits('going back: the time before somebody is paged', from.withinMs, to.withinMs, within),
    ...runEdits('going back', from.confirm, to.confirm),
    ...durationEdits('going back: the time the bad release is kept', from.keepCanaryMs, to.keepCanaryMs, kept),
  ];
}

function watchEdits({ watch: from }: Plan, { watch: to }: Plan, at: Position): readonly Edit[] {
  if (isSame(from, to)) return [];
  if (at.watched) return [{ kind: 'forbidden', sentence: 'the watch is over and cannot be edited' }];
  const way = { tighter: 'longer', otherwise: 'needs-asking' } as const;
  return [...durationEdits('the watch after promotion', from.forMs, to.forMs, way), ...watchSmokeEdits(from, to)];
}

function watchSmokeEdits({ smoke: from }: Plan['watch'], { smoke: to }: Plan['watch']): readonly Edit[] {
  if (isSame(from, to)) return [];
  if (from === null && to !== null) return [{ kind: 'tighter', sentence: `the watch runs smoke ${to.run.suite}` }];
  if (from === null || to === null || !isSame(from.run, to.run)) {
    return [
      { kind: 'forbidden', sentence: 'the smoke of the watch cannot be switched off or exchanged while it runs' },
    ];
  }
  const failures = `the watch goes back after ${String(to.failuresToRollback)} failed smokes in a row instead of ${String(from.failuresToRollback)}`;
  const kind = to.failuresToRollback < from.failuresToRollback ? 'tighter' : 'forbidden';
  const [shorter, longer] = [
    { tighter: 'shorter', otherwise: 'forbidden' },
    { tighter: 'longer', otherwise: 'forbidden' },
  ] as const;
  return [
    ...durationEdits('the time between two smokes of the watch', from.everyMs, to.everyMs, shorter),
    ...durationEdits('the time in which the watch runs smoke', from.forMs, to.forMs, longer),
    ...(from.failuresToRollback === to.failuresToRollback ? [] : [{ kind, sentence: failures } as const]),
  ];
}
