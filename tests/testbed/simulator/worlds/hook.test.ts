import { expect, it } from 'vitest';
import { canary, given } from './given.ts';

it('the scripted host refuses a smaller fence for every slot, and does nothing for it', async () => {
  const { target, order, world, clock } = given();
  await target.deploy(order(5));
  const late = target.retire(order(4), canary);
  await expect(late).rejects.toMatchObject({ code: 'fenced' });
  const { http } = given();
  const put = async (slot: string, fence: number) => {
    const body = JSON.stringify({ release: canary, rollout: 'r', run: 'run', fence });
    const answer = await http.send({ method: 'PUT', url: `http://127.0.0.1:9000/slots/${slot}`, timeoutMs: 1, body });
    return [answer.status, JSON.parse(answer.body) as unknown];
  };
  await put('b', 3);
  expect(await put('a', 2)).toEqual([409, { code: 'fenced', fence: 3 }]);
  expect(world.truth(clock.now()).slots['b']).toMatchObject({ release: canary, state: 'running' });
});

it('the scripted host shows every change at once, also one of the fence alone', async () => {
  const { http, world } = given();
  const call = async (method: string, path: string, body?: object) => {
    const url = `http://127.0.0.1:9000${path}`;
    const answer = await http.send({
      method,
      url,
      timeoutMs: 1,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return JSON.parse(answer.body) as unknown;
  };
  const put = (release: object, fence: number) => call('PUT', '/slots/a', { release, rollout: 'r', run: 'run', fence });
  const shown = async () => (await call('GET', '/slots')) as { slots: { a: unknown } };

  for (const fence of [1, 2]) {
    await put(world.stable, fence);
    expect((await shown()).slots.a).toMatchObject({ release: world.stable, state: 'running', fence });
  }
  await put(canary, 3);
  expect((await shown()).slots.a).toMatchObject({ release: canary, state: 'starting', fence: 3 });
  await call('DELETE', '/slots/a?rollout=r&fence=4');
  expect((await shown()).slots.a).toMatchObject({ release: null, state: 'stopped', fence: 4 });
});
