import { describe, expect, it } from 'vitest';
import { preflight } from '../../activities/preflight.ts';
import type { Ports } from '../../activities/ports.ts';
import { planDigest } from '../../plan/digest.ts';
import type { Plan } from '../../plan/plan.ts';
import { createClock } from '../../providers/clock.ts';
import { createHttp } from '../../providers/http.ts';
import { createCaddyTarget } from '../../providers/targets/caddy/target.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { slots } from '../providers/targets/caddy/given.ts';
import { listen } from '../providers/loopback.ts';
import { order, stepPlan } from './scripted.ts';

/** Problems of a rollout on a Caddy whose admin API is at this address and whose deploy hook is there. */
async function problemsOf(admin: string, hook: string): Promise<readonly string[]> {
  const plan = {
    target: { kind: 'caddy', connection: 'edge', route: 'web', preview: null, drainMs: 0 },
    ...{
      release: order.canary,
      steps: [stepPlan(1_000)],
      metrics: null,
      criteria: [],
      gates: [],
      suites: {},
      roles: [],
    },
  } as unknown as Plan;
  const target = createCaddyTarget({
    plan: plan.target as Extract<Plan['target'], { kind: 'caddy' }>,
    connection: {
      ...{ admin, public: 'http://127.0.0.1:1', persistence: 'resume' },
      route: {
        ...{ match: { host: 'web.test' }, slots, longLived: false },
        deploy: { kind: 'hook', url: hook, auth: null },
      },
    },
    http: createHttp(),
    clock: createClock(),
  });
  const whole = { ...plan, capabilities: await target.capabilities() };
  const nothing = { missing: async () => [] };
  const ports = {
    ...{ clock: createClock(), target: () => target, archive: null, notifier: { channels: [] } },
    ...{ secrets: nothing, smoke: {}, directory: {} },
  } as unknown as Ports;
  const input = { plan: whole, planDigest: planDigest(whole), requester: 'rita', rollout: order.rollout, run: 'run-1' };
  const { problems } = await preflight(ports, input, AbortSignal.timeout(25_000));
  return problems.map(({ code, message }) => `${code}: ${message}`);
}

describe('before the start, a target that does not answer', () => {
  it('is told once, in its own words', async () => {
    const nowhere = `http://127.0.0.1:${String(await freePort())}`;
    expect(await problemsOf(nowhere, nowhere)).toEqual([
      `caddy.hook: The deploy hook cannot be asked: GET ${nowhere}: connection refused`,
      `caddy.unreachable: Caddy's admin API cannot be read: GET ${nowhere}: connection refused`,
    ]);
  });

  it('is told once also where it refuses us', async () => {
    const caddy = await listen(() => ({ status: 403, body: '{"error":"client is not allowed"}' }));
    try {
      const problems = await problemsOf(caddy.url, caddy.url);
      expect(problems.filter((one) => one.includes("Caddy's admin API refuses us"))).toHaveLength(1);
      expect(problems).toHaveLength(2);
    } finally {
      await caddy.stop();
    }
  });
});
