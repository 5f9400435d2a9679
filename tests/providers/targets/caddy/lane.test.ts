import { describe, expect, it } from 'vitest';
import { createClock } from '../../../../providers/clock.ts';
import { createLane, laneFor } from '../../../../providers/targets/caddy/lane.ts';

const clock = createClock();

interface Work {
  readonly run: () => Promise<void>;
  readonly finish: () => void;
}

/** A piece of work that says when it begins and ends when told to. */
function work(log: string[], name: string): Work {
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const run = async (): Promise<void> => {
    log.push(name);
    await finished;
  };
  return { run, finish: () => finish() };
}

describe('the queue to one Caddy', () => {
  it('lets one write go at a time', async () => {
    const lane = createLane(clock);
    const log: string[] = [];
    const [first, second] = [work(log, 'first'), work(log, 'second')];
    const both = [lane.run(false, first.run), lane.run(false, second.run)];
    await clock.sleep(60);
    expect(log).toEqual(['first']);
    first.finish();
    second.finish();
    await Promise.all(both);
    expect(log).toEqual(['first', 'second']);
  });

  it('lets what lowers go before everything that waits', async () => {
    const lane = createLane(clock);
    const log: string[] = [];
    const [first, raise, lower] = [work(log, 'first'), work(log, 'raise'), work(log, 'lower')];
    const all = [lane.run(false, first.run), lane.run(false, raise.run), lane.run(true, lower.run)];
    for (const each of [first, raise, lower]) each.finish();
    await Promise.all(all);
    expect(log).toEqual(['first', 'lower', 'raise']);
  });

  it('does not let what lowers wait for a write that hangs', async () => {
    const lane = createLane(clock);
    const log: string[] = [];
    const [hanging, lower] = [work(log, 'hanging'), work(log, 'lower')];
    const never = lane.run(false, hanging.run);
    lower.finish();
    await lane.run(true, lower.run);
    expect(log).toEqual(['hanging', 'lower']);
    hanging.finish();
    await never;
  });

  it('goes on after a failure and after somebody gave up waiting', async () => {
    const lane = createLane(clock);
    const log: string[] = [];
    const first = work(log, 'first');
    const running = lane.run(false, first.run);
    const reason = new Error('given up');
    await expect(lane.run(true, first.run, AbortSignal.abort(reason))).rejects.toBe(reason);
    first.finish();
    await running;
    await expect(lane.run(false, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(await lane.run(false, async () => 'done')).toBe('done');
  });

  it('is one per door and Caddy', () => {
    const http = { send: () => Promise.reject(new Error('not asked')) };
    const lane = laneFor(http, clock, 'http://127.0.0.1:2019');
    expect(laneFor(http, clock, 'http://127.0.0.1:2019')).toBe(lane);
    expect(laneFor(http, clock, 'http://127.0.0.1:2020')).not.toBe(lane);
    expect(laneFor({ ...http }, clock, 'http://127.0.0.1:2019')).not.toBe(lane);
  });
});
