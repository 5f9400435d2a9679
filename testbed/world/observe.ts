/** The target-side truth: what the proxy was told, and which release answered users, from records that Sluice does not write. */

import { z } from 'zod';
import { readRequestLog, type ServedRequest } from '../demo-service/request-log.ts';
import type { Entry } from '../recorder.ts';
import type { Service, SlotName } from './service.ts';

/** One write that Caddy accepted and that concerns the split of a service. */
export interface ProxyWrite {
  /** When Caddy had answered, epoch ms. */
  readonly at: number;
  /** Weight of each slot in the written configuration, basis points. */
  readonly bySlot: Readonly<Record<SlotName, number>>;
  /** Who wrote it; `null` for a write that carries no claim. */
  readonly claim: WrittenClaim | null;
  /** Weight of the slot that the claim names for the release under test; `null` without a claim. */
  readonly canaryBp: number | null;
}

const release = z.object({ digest: z.string(), label: z.string() });

const claimSchema = z.object({
  rollout: z.string(),
  run: z.string(),
  fence: z.number(),
  stage: z.looseObject({ kind: z.string() }),
  canary: release,
  slots: z.record(z.string(), z.object({ digest: z.string() }).nullable()),
  released: z.boolean(),
});

export type WrittenClaim = z.output<typeof claimSchema>;

type Json = Readonly<Record<string, unknown>>;

const slotNames = ['a', 'b'] as const;

/** All accepted writes to a service's route, in order; from the record of the admin API. */
export function proxyWrites(entries: readonly Entry[], service: Service): readonly ProxyWrite[] {
  const writes = entries.filter(({ method, status }) => ['PATCH', 'PUT', 'POST'].includes(method) && status === 200);
  return splitsIn(writes, service, ({ requestBody }) => requestBody);
}

/** All answers of the admin API that showed a service's split, in order: what somebody could read back, and when. */
export function proxyReads(entries: readonly Entry[], service: Service): readonly ProxyWrite[] {
  const reads = entries.filter(({ method, status }) => method === 'GET' && status === 200);
  return splitsIn(reads, service, ({ answerBody }) => answerBody);
}

/** The weights of the release under test as they followed each other, in basis points, from the first above zero on. */
export function weightsSeen(writes: readonly ProxyWrite[]): readonly number[] {
  const all = writes.flatMap(({ canaryBp }) => (canaryBp === null ? [] : [canaryBp]));
  const changes = all.filter((bp, at) => bp !== all[at - 1]);
  return changes[0] === 0 ? changes.slice(1) : changes;
}

/** What users got from a release in `[from, to)`, epoch ms: through the proxy, without those who asked for a preview. */
export function userRequests(service: Service, label: string, from = 0, to = Infinity): readonly ServedRequest[] {
  const all = [...readRequestLog(service.slots.a.requestLog), ...readRequestLog(service.slots.b.requestLog)];
  return all.filter(({ at, release, proxied, preview }) => {
    return release === label && proxied && !preview && at >= from && at < to;
  });
}

function splitsIn(
  entries: readonly Entry[],
  service: Service,
  textOf: (entry: Entry) => string,
): readonly ProxyWrite[] {
  return entries.flatMap((entry) => {
    const split = readSplit(entry, textOf(entry), service);
    return split === null ? [] : [split];
  });
}

function readSplit(entry: Entry, text: string, service: Service): ProxyWrite | null {
  for (const route of objectsOf(parse(text))) {
    const split = splitOf(route);
    if (split === null || !concerns(split, service)) continue;
    const bySlot = weightsOf(service, split);
    const vars = objectsOf(route.handle).find((handler) => handler.handler === 'vars' && handler.sluice !== undefined);
    const claim = claimSchema.safeParse(vars?.sluice).data ?? null;
    const slot = slotNames.find((name) => claim !== null && claim.slots[name]?.digest === claim.canary.digest);
    const canaryBp = claim === null ? null : slot === undefined ? 0 : bySlot[slot];
    return { at: entry.at + entry.ms, bySlot, claim, canaryBp };
  }
  return null;
}

/** The proxy that splits user traffic: inside a subroute it is the one that no matcher guards. */
function splitOf(route: Json): Json | null {
  for (const handler of objectsOf(route.handle)) {
    if (handler.handler === 'reverse_proxy') return handler;
    const inner = objectsOf(handler.routes).filter(({ match }) => match === undefined);
    for (const candidate of inner) {
      const split = splitOf(candidate);
      if (split !== null) return split;
    }
  }
  return null;
}

function concerns(proxy: Json, service: Service): boolean {
  const dials = dialsOf(proxy);
  return slotNames.some((name) => dials.includes(service.slots[name].address));
}

function weightsOf(service: Service, proxy: Json): Record<SlotName, number> {
  const dials = dialsOf(proxy);
  const policy = (proxy.load_balancing as { selection_policy?: { weights?: number[] } } | undefined)?.selection_policy;
  const weights = dials.map((_, at) => policy?.weights?.[at] ?? 1);
  const sum = (some: readonly number[]) => some.reduce((total, weight) => total + weight, 0);
  const share = (name: SlotName) => {
    const own = weights.filter((_, at) => dials[at] === service.slots[name].address);
    return Math.round((sum(own) / sum(weights)) * 10_000);
  };
  return { a: share('a'), b: share('b') };
}

function dialsOf(proxy: Json): readonly string[] {
  return objectsOf(proxy.upstreams).map(({ dial }) => String(dial));
}

/** The objects of a list, or the one object itself. */
function objectsOf(value: unknown): readonly Json[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item): item is Json => typeof item === 'object' && item !== null && !Array.isArray(item));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // no configuration, so no weights
  }
}
