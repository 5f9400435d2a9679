/** The deploy hook: starts and stops releases in the slots of a host. Speaks its contract, trusts nothing it answers. */

import { z } from 'zod';
import { sendAs } from '../../credentials.ts';
import { ProviderError } from '../../errors.ts';
import type { Http, HttpResponse } from '../../ports.ts';
import type { HookDeploy } from './connection.ts';
import { type DeployDoor, type DoorWords, type Slots, slotSchema } from './door.ts';

const askMs = 3_000;
/** Starting may pull an image before the answer. */
const actMs = 60_000;

const slotsSchema = z.object({ slots: z.object({ a: slotSchema, b: slotSchema }) });

const words: DoorWords = {
  name: 'the deploy hook',
  code: 'hook',
  makeKnown: 'deploy the stable release through the hook once',
};

export function createHook(deploy: HookDeploy, http: Http): DeployDoor {
  const root = deploy.url.replace(/\/+$/, '');
  const headers = { 'content-type': 'application/json' };
  const send = async (
    request: { method: string; path: string; body?: string; timeoutMs: number },
    signal?: AbortSignal,
  ) => {
    const { path, ...rest } = request;
    const asked = { ...rest, url: `${root}${path}`, headers, ...(signal && { signal }) };
    const answer = await sendAs(http, deploy.auth, asked);
    if (answer.status < 200 || answer.status > 299)
      throw refusal(answer, `${request.method} ${path} at the deploy hook`);
    return answer;
  };

  return {
    words,
    async slots(signal, timeoutMs = askMs) {
      const answer = await send({ method: 'GET', path: '/slots', timeoutMs }, signal);
      return readSlots(answer.body);
    },
    async put(slot, { rollout, run, fence }, release, signal) {
      const body = JSON.stringify({ release, rollout, run, fence });
      await send({ method: 'PUT', path: `/slots/${slot}`, body, timeoutMs: actMs }, signal);
    },
    async remove(slot, { rollout, fence }, signal) {
      const query = new URLSearchParams({ rollout, fence: String(fence) });
      await send({ method: 'DELETE', path: `/slots/${slot}?${query.toString()}`, timeoutMs: actMs }, signal);
    },
    preflight: async () => [],
  };
}

function readSlots(body: string): Slots {
  const parsed = slotsSchema.safeParse(json(body));
  if (parsed.success) return parsed.data.slots;
  const where = parsed.error.issues.map((issue) => issue.path.join('.') || 'the answer').slice(0, 5);
  throw new ProviderError({
    code: 'unreachable',
    doing: 'GET /slots at the deploy hook',
    detail: `the answer does not follow the contract (${where.join(', ')})`,
  });
}

const refusalSchema = z.object({ code: z.string(), fence: z.int().optional(), message: z.string().optional() });

function refusal(answer: HttpResponse, doing: string): ProviderError {
  const said = refusalSchema.safeParse(json(answer.body)).data;
  const detail = `HTTP ${answer.status}${said?.message === undefined ? '' : `: ${said.message.slice(0, 300)}`}`;
  switch (answer.status) {
    case 409:
      return fencedAway(doing, said?.fence);
    case 401:
    case 403:
      return new ProviderError({ code: 'denied', doing, detail });
    case 404:
      return new ProviderError({ code: 'missing', doing, detail });
    case 429:
      return throttled(answer, doing, detail);
    default: {
      const ours = answer.status >= 400 && answer.status < 500;
      return new ProviderError({ code: ours ? 'invalid' : 'unreachable', doing, detail });
    }
  }
}

function fencedAway(doing: string, fence: number | undefined): ProviderError {
  const detail = `the host has admitted a larger fence${fence === undefined ? '' : `, ${fence}`}`;
  return new ProviderError({ code: 'fenced', doing, detail, ...(fence !== undefined && { fence }) });
}

function throttled(answer: HttpResponse, doing: string, detail: string): ProviderError {
  const seconds = Number(answer.headers['retry-after']);
  const later = Number.isFinite(seconds) && seconds >= 0;
  return new ProviderError({ code: 'throttled', doing, detail, ...(later && { retryAfterMs: seconds * 1000 }) });
}

function json(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return null;
  }
}
