/** The deploy hook: starts and stops releases in the slots of a host. Speaks its contract, trusts nothing it answers. */

import { z } from 'zod';
import type { Release } from '../../../plan/release.ts';
import type { Order } from '../../../plan/target.ts';
import { sendAs } from '../../credentials.ts';
import { ProviderError } from '../../errors.ts';
import type { Http, HttpResponse } from '../../ports.ts';
import { releaseSchema } from '../claim-form.ts';
import type { BySlot, CaddyRoute, SlotName } from './connection.ts';

const askMs = 3_000;
/** Starting may pull an image before the answer. */
const actMs = 60_000;

const slotSchema = z.object({
  release: releaseSchema.nullable(),
  state: z.enum(['running', 'starting', 'stopped', 'failed']),
  ready: z.boolean(),
  detail: z.string().default(''),
  fence: z.int().min(0).default(0),
  rollout: z.string().nullable().default(null),
});

const slotsSchema = z.object({ slots: z.object({ a: slotSchema, b: slotSchema }) });

export type SlotState = z.output<typeof slotSchema>;
export type HookSlots = BySlot<SlotState>;

export interface DeployHook {
  slots(signal?: AbortSignal, timeoutMs?: number): Promise<HookSlots>;
  /** Starts a release in a slot, in place of what runs there. */
  put(slot: SlotName, order: Order, release: Release, signal?: AbortSignal): Promise<void>;
  /** Stops what runs in a slot; nothing when nothing does. */
  remove(slot: SlotName, order: Order, signal?: AbortSignal): Promise<void>;
}

export function createHook(deploy: CaddyRoute['deploy'], http: Http): DeployHook {
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
  };
}

function readSlots(body: string): HookSlots {
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
