/** Edits of criteria: they may be added and made stricter; none is switched off or loosened while a rollout runs. */

import type { CompareCriterion, Criterion, LimitCriterion } from './criteria.ts';
import { durationEdits, isSame, type Edit } from './edit.ts';
import { switchOf } from './switch.ts';
import { formatNumber } from './units.ts';

export function criteriaEdits(from: readonly Criterion[], to: readonly Criterion[]): readonly Edit[] {
  const known = from.flatMap((criterion): readonly Edit[] => {
    const edited = to.find(({ id }) => id === criterion.id);
    if (edited !== undefined) return editsOfOne(criterion, edited);
    const sentence = `criterion ${criterion.id} cannot be switched off while a rollout runs`;
    return [{ kind: 'forbidden', sentence }];
  });
  const added = to.filter(({ id }) => !from.some((criterion) => criterion.id === id));
  return [
    ...known,
    ...added.map(({ id, do: then, when }): Edit => {
      return { kind: 'tighter', sentence: `criterion ${id} is added: ${then}, ${when}` };
    }),
  ];
}

function editsOfOne(from: Criterion, to: Criterion): readonly Edit[] {
  if (isSame(from, to)) return [];
  const what = `criterion ${from.id}`;
  const shorter = { tighter: 'shorter', otherwise: 'forbidden' } as const;
  const edits = [
    ...rankEdits(`${what}: its consequence`, consequencesOf(from, to), from.do, to.do),
    ...rankEdits(`${what}: its severity`, ['P2', 'P1', 'P0'], from.severity, to.severity),
    ...stageEdits(what, from.when, to.when),
    ...durationEdits(`${what}: how long it must be breached`, from.forMs, to.forMs, shorter),
    ...durationEdits(`${what}: its warm-up`, from.warmUpMs, to.warmUpMs, shorter),
    ...onlyIfEdits(what, from, to),
    ...breachEdits(what, from, to),
  ];
  if (isSame(rest(from), rest(to))) return edits;
  const sentence = `${what}: what it asks cannot be edited while a rollout runs; add another criterion beside it`;
  return [...edits, { kind: 'forbidden', sentence }];
}

/** What is left when everything that can be compared is taken away. */
function rest(criterion: Criterion): unknown {
  const common = { ...criterion, do: '', severity: '', when: '', forMs: 0, warmUpMs: 0, onlyIf: '' };
  return criterion.kind === 'limit' || criterion.kind === 'compare' ? { ...common, breach: '', clear: '' } : common;
}

/** From the mildest on; of two switches none is stricter than the other. */
function consequencesOf(from: Criterion, to: Criterion): readonly string[] {
  const flips = [from.do, to.do].filter((consequence) => switchOf(consequence) !== null);
  return ['warn', 'page', ...(flips.length === 1 ? flips : []), 'hold', 'rollback'];
}

/** `ranks`: from the mildest to the strictest. */
function rankEdits(what: string, ranks: readonly string[], from: string, to: string): readonly Edit[] {
  if (from === to) return [];
  const kind = ranks.indexOf(to) > ranks.indexOf(from) ? 'tighter' : 'forbidden';
  return [{ kind, sentence: `${what} is ${to} instead of ${from}` }];
}

function stageEdits(what: string, from: Criterion['when'], to: Criterion['when']): readonly Edit[] {
  if (from === to) return [];
  return [{ kind: to === 'always' ? 'tighter' : 'forbidden', sentence: `${what} counts ${to} instead of ${from}` }];
}

function onlyIfEdits(what: string, { onlyIf: from }: Criterion, { onlyIf: to }: Criterion): readonly Edit[] {
  if (isSame(from ?? null, to ?? null)) return [];
  return to === undefined
    ? [{ kind: 'tighter', sentence: `${what} counts without its conditions` }]
    : [{ kind: 'forbidden', sentence: `${what}: the conditions under which it counts cannot be edited, only removed` }];
}

type Numeric = LimitCriterion | CompareCriterion;

function breachEdits(what: string, from: Criterion, to: Criterion): readonly Edit[] {
  if (!isNumeric(from) || !isNumeric(to)) return [];
  return [...thresholdEdits(what, from, to), ...clearEdits(what, from, to)];
}

function isNumeric(criterion: Criterion): criterion is Numeric {
  return criterion.kind === 'limit' || criterion.kind === 'compare';
}

function thresholdEdits(what: string, from: Numeric, to: Numeric): readonly Edit[] {
  if (isSame(from.breach, to.breach)) return [];
  const [old, edited] = [thresholdOf(from), thresholdOf(to)];
  const sentence = `${what} is breached at ${breachText(to)} instead of ${breachText(from)}`;
  if (from.kind !== to.kind || from.breach.op !== to.breach.op) return [{ kind: 'forbidden', sentence }];
  if (old === edited) return [{ kind: 'tighter', sentence: `${what}: its threshold is only written differently` }];
  const isTighter = from.breach.op.startsWith('>') ? edited < old : from.breach.op.startsWith('<') && edited > old;
  return [{ kind: isTighter ? 'tighter' : 'forbidden', sentence }];
}

/** As it is written, with every digit: `> 1%`, `> 1.5x`. */
function breachText(criterion: Numeric): string {
  const { op } = criterion.breach;
  return criterion.kind === 'limit'
    ? `${op} ${formatNumber(criterion.breach.value, criterion.breach.unit ?? null, exactDigits)}`
    : `${op} ${formatNumber(criterion.breach.factor, null, exactDigits)}x`;
}

/** Of a number that somebody wrote; more would show how computers count. */
const exactDigits = 12;

function thresholdOf(criterion: Numeric): number {
  return criterion.kind === 'limit' ? criterion.breach.value : criterion.breach.factor;
}

function clearEdits(what: string, { clear: from }: Numeric, { clear: to }: Numeric): readonly Edit[] {
  if (isSame(from ?? null, to ?? null)) return [];
  return from === undefined
    ? [{ kind: 'tighter', sentence: `${what} stays breached until its new clear condition holds` }]
    : [{ kind: 'forbidden', sentence: `${what}: its clear condition cannot be edited while a rollout runs` }];
}
