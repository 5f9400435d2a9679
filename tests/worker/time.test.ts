import { describe, expect, it } from 'vitest';
import type { Clock, Http } from '../../providers/ports.ts';
import { createWorldTime } from '../../worker/time.ts';

const noon = Date.UTC(2026, 0, 5, 12);
const origins = ['http://proxy.test', 'http://host.test', 'http://metrics.test'];

/** A machine at noon, and servers that are so much later; `null` tells no time. */
function given(...aheadMs: readonly (number | null)[]) {
  const machine: Clock = { now: () => noon, sleep: async () => undefined };
  const later = new Map(aheadMs.map((ms, index) => [origins[index], ms]));
  const http: Http = {
    send: async ({ url }) => {
      const ms = later.get(new URL(url).origin) ?? null;
      const headers: Record<string, string> = ms === null ? {} : { date: new Date(noon + ms).toUTCString() };
      return { status: 200, headers, body: '' };
    },
  };
  const changes: number[] = [];
  const time = createWorldTime(machine, (ms) => changes.push(ms));
  const door = time.listening(http, new Set(origins));
  const hear = async (urls: readonly string[] = origins) => {
    for (const url of urls) await door.send({ method: 'GET', url, timeoutMs: 1_000 });
  };
  return { time, changes, hear, later };
}

const minutes = (count: number) => count * 60_000;

describe("the worker's time", () => {
  it('is that of its machine as long as the servers around do not speak against it', async () => {
    const { time, changes, hear } = given(1_000, -2_000, 29_000);
    await hear();
    expect(time.clock.now()).toBe(noon);
    expect(changes).toEqual([]);
  });

  it('is that of the servers around when they agree that the machine is wrong', async () => {
    const { time, changes, hear } = given(minutes(5), minutes(5), null);
    await hear();
    expect(time.clock.now()).toBe(noon + minutes(5));
    expect(time.wrongByMs()).toBe(minutes(-5));
    expect(changes).toEqual([minutes(-5)]);
  });

  it.each([
    ['one server that speaks alone', [minutes(5), null, null]],
    ['one server among others that are right', [minutes(5), 0, null]],
    ['servers that do not agree', [minutes(5), minutes(-5), null]],
  ] as const)('is not changed by %s', async (_, ahead) => {
    const { time, hear } = given(...ahead);
    await hear();
    expect(time.clock.now()).toBe(noon);
  });

  it('does not jitter with answers that take their time, follows a large change, and is given back when all is well', async () => {
    const { time, changes, hear, later } = given(minutes(5), minutes(5), minutes(5));
    await hear();
    for (const origin of origins) later.set(origin, minutes(5) + 4_000);
    await hear();
    expect(time.clock.now()).toBe(noon + minutes(5));
    for (const origin of origins) later.set(origin, minutes(7));
    await hear();
    expect(time.clock.now()).toBe(noon + minutes(7));
    for (const origin of origins) later.set(origin, 1_000);
    await hear();
    expect(time.clock.now()).toBe(noon);
    expect(changes).toEqual([minutes(-5), minutes(-7), 0]);
  });

  it('is told by nobody but the servers that the operator named', async () => {
    const { time, hear, later } = given();
    const others = ['http://a.test', 'http://b.test', 'http://c.test'];
    for (const origin of others) later.set(origin, minutes(5));
    await hear(others);
    expect(time.clock.now()).toBe(noon);
  });
});
