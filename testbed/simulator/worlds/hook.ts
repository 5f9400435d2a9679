/** A scripted deploy host: the hook's contract with the rules of the real one, and processes that exist on paper. */

import { z } from 'zod';
import type { HttpRequest, HttpResponse } from '../../../providers/ports.ts';
import { deploySchema, Fenced, type HookRelease, removeSchema, type SlotState } from '../../deploy-hook/contract.ts';
import { admitted, changed, type Look, recordOf, stateOf } from '../../deploy-hook/rules.ts';
import type { HookState } from '../../deploy-hook/state.ts';
import { headerOf, type Host, json, textOf, urlOf } from './host.ts';

/** Starts and stops a release in a slot, at once; a release may take its time to become ready. */
export interface ScriptedRunner {
  start(slot: string, release: HookRelease, now: number): void;
  stop(slot: string, now: number): void;
  look(slot: string, now: number): Look;
}

/** One call that acted or was fenced. */
export interface HookCall {
  readonly at: number;
  readonly slot: string;
  readonly verb: 'put' | 'remove';
  readonly rollout: string;
  readonly fence: number;
  readonly digest: string | null;
  /** The larger fence that refused it; `null` when it was admitted. */
  readonly fencedBy: number | null;
}

export interface HookOptions {
  readonly names: readonly string[];
  readonly runner: ScriptedRunner;
  /** Bearer token that callers must send; `null` lets everybody in. */
  readonly token: string | null;
  readonly called?: (call: HookCall) => void;
}

export interface HookHost extends Host {
  slots(now: number): Readonly<Record<string, SlotState>>;
  /** Largest fence that was ever admitted. */
  fence(): number;
  /** Puts a release into a slot as the operator did before Sluice came. */
  seed(slot: string, release: HookRelease, now: number): void;
}

export function createHookHost(options: HookOptions): HookHost {
  const { names, runner, token } = options;
  let state: HookState = { fence: 0, slots: {} };
  const stateAt = (slot: string, now: number): SlotState => {
    const record = recordOf(state, slot);
    return stateOf(record, record.release === null || record.pid === null ? null : runner.look(slot, now));
  };
  const slots = (now: number) => Object.fromEntries(names.map((slot) => [slot, stateAt(slot, now)]));
  /** Asked at every poll and seldom another: made again when something has changed. */
  let last: { readonly of: HookState; readonly looks: readonly (Look | null)[]; readonly answer: HttpResponse } | null =
    null;
  const shown = (now: number): HttpResponse => {
    const looks = names.map((slot) => (recordOf(state, slot).pid === null ? null : runner.look(slot, now)));
    if (last?.of === state && last.looks.every((look, index) => isSameLook(look, looks[index] ?? null)))
      return last.answer;
    last = { of: state, looks, answer: json(200, { slots: slots(now) }) };
    return last.answer;
  };
  const clear = (slot: string, now: number) => {
    if (recordOf(state, slot).release !== null) runner.stop(slot, now);
    state = changed(state, slot, { release: null, pid: null });
  };
  const start = (slot: string, release: HookRelease, now: number) => {
    clear(slot, now);
    runner.start(slot, release, now);
    state = changed(state, slot, { release, pid: 1 });
  };
  const act = (call: Omit<HookCall, 'fencedBy'>, release: HookRelease | null): HttpResponse => {
    const { slot, at } = call;
    try {
      state = admitted(state, slot, call);
    } catch (error) {
      if (!(error instanceof Fenced)) throw error;
      options.called?.({ ...call, fencedBy: error.fence });
      return json(409, { code: 'fenced', fence: error.fence });
    }
    const isSame = release !== null && recordOf(state, slot).release?.digest === release.digest;
    if (release === null) clear(slot, at);
    else if (!isSame || stateAt(slot, at).state === 'failed') start(slot, release, at);
    options.called?.({ ...call, fencedBy: null });
    return json(200, stateAt(slot, at));
  };

  return {
    slots,
    fence: () => state.fence,
    seed: start,
    answer(request, now) {
      const { pathname: path, searchParams } = urlOf(request.url);
      if (path === '/healthz' && request.method === 'GET') return json(200, { ok: true });
      const [, root, slot, ...more] = path.split('/');
      if (root !== 'slots' || slot === '' || more.length > 0) return notFound;
      const allowed = token === null || headerOf(request, 'authorization') === `Bearer ${token}`;
      if (!allowed)
        return { status: 401, headers: { 'content-type': 'text/plain;charset=UTF-8' }, body: 'Unauthorized' };
      if (slot === undefined) return request.method === 'GET' ? shown(now) : notFound;
      if (!names.includes(slot)) {
        const message = `there is no slot of this name; slots: ${names.join(', ')}`;
        return json(404, { code: 'missing', message });
      }
      switch (request.method) {
        case 'PUT': {
          const wanted = deploySchema.safeParse(bodyOf(request));
          if (!wanted.success) return invalid(wanted.error);
          const { release, rollout, fence } = wanted.data;
          return act({ at: now, slot, verb: 'put', rollout, fence, digest: release.digest }, release);
        }
        case 'DELETE': {
          const asked = removeSchema.safeParse(Object.fromEntries(searchParams));
          if (!asked.success) return invalid(asked.error);
          return act({ at: now, slot, verb: 'remove', ...asked.data, digest: null }, null);
        }
        default:
          return notFound;
      }
    },
  };
}

function isSameLook(one: Look | null, other: Look | null): boolean {
  return one?.alive === other?.alive && one?.ready === other?.ready && one?.detail === other?.detail;
}

const notFound: HttpResponse = {
  status: 404,
  headers: { 'content-type': 'text/plain; charset=UTF-8' },
  body: '404 Not Found',
};

function invalid(error: z.ZodError): HttpResponse {
  return json(422, { code: 'invalid', message: z.prettifyError(error) });
}

function bodyOf(request: HttpRequest): unknown {
  try {
    return JSON.parse(textOf(request)) as unknown;
  } catch {
    return null; // told by the schema
  }
}
