import { availableParallelism } from 'node:os';
import { beforeAll, describe, expect, it } from 'vitest';
import { nothingYet, type Explored } from '../../testbed/simulator/explore/exploration.ts';
import { exploreOnAll } from '../../testbed/simulator/explore/pool.ts';
import { shortestStory } from '../../testbed/simulator/explore/story.ts';

/** About 75 ms of one core each: three minutes on two quiet ones. Ten thousand were lived before this number was set. */
const lives = 5_000;
const thousands = Array.from({ length: lives / 1_000 }, (_, index) => ({
  first: 1_000 * index + 1,
  last: 1_000 * (index + 1),
}));
let explored: Explored = nothingYet;
/** The first broken life, by the least that shows it. */
let story = '';

beforeAll(async () => {
  explored = await exploreOnAll({ from: 1, lives, processes: availableParallelism() });
  const [first] = explored.broken;
  if (first !== undefined) story = await shortestStory(first.seed);
}, 1_800_000);

describe('thousands of lives of rollouts under faults, kills and whatever people send', () => {
  it('are all lived to their end', () => {
    expect(explored.lives).toBe(lives);
  });

  it.each(thousands)('keep every promise: seeds $first to $last', ({ first, last }) => {
    expect(
      explored.broken.filter(({ seed }) => seed >= first && seed <= last),
      story,
    ).toEqual([]);
  });

  it.each(['completed', 'rolled-back', 'aborted', 'refused', 'superseded', 'detached'])('end %s often', (outcome) => {
    expect(explored.outcomes[outcome]).toBeGreaterThan(20);
  });
});
