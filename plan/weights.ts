/** What a ladder of weights must be: ascending from above zero to everything, in shares the target can express. */

import { formatBp } from './units.ts';

/** One thing wrong with a ladder, at the index of the step it is about. */
export interface LadderFault {
  readonly index: number;
  readonly message: string;
  readonly expected: string;
}

/** Steps that a rollout takes when its spec names none, in basis points. */
export const defaultLadder: readonly number[] = [100, 500, 2500, 10_000];

/** All faults of a ladder; `null` stands for a weight that could not be read and is skipped. */
export function ladderFaults(weights: readonly (number | null)[]): readonly LadderFault[] {
  const faults: LadderFault[] = [];
  let highest = 0;
  for (const [index, weight] of weights.entries()) {
    if (weight === null) continue;
    if (weight <= highest) faults.push({ index, ...notAbove(weight, highest) });
    highest = Math.max(highest, weight);
  }
  const last = weights.at(-1) ?? null;
  if (last !== null && last !== 10_000)
    faults.push({ index: weights.length - 1, message: `the last step is ${formatBp(last)}`, expected: '100%' });
  return faults;
}

/** Weights that a target with this granularity (basis points, > 0) would have to round. */
export function inexpressible(weights: readonly number[], granularityBp: number): readonly LadderFault[] {
  return weights.flatMap((weight, index) => {
    if (weight % granularityBp === 0) return [];
    const message = `the target cannot express ${formatBp(weight)}`;
    return [{ index, message, expected: `a multiple of ${formatBp(granularityBp)}` }];
  });
}

function notAbove(weight: number, highest: number): Omit<LadderFault, 'index'> {
  if (highest === 0) return { message: 'a step of 0% moves nothing', expected: 'a weight above 0%' };
  return {
    message: `${formatBp(weight)} does not rise above ${formatBp(highest)} before it`,
    expected: 'weights in ascending order',
  };
}
