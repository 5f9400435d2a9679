/** The processes in the slots of a world: started by the hook, asked by users and smoke, counted for the metrics. */

import type { Plan } from '../../../plan/plan.ts';
import type { HookRelease } from '../../deploy-hook/contract.ts';
import type { Look } from '../../deploy-hook/rules.ts';
import type { DialShare } from './caddy-routes.ts';
import type { ScriptedRunner } from './hook.ts';
import { type Host, refused } from './host.ts';
import { createInstance, deathOf, type Instance, isListening, lookAt, momentsOfInstance } from './instance.ts';
import type { WorldRelease, WorldScript } from '../../../spec/world.ts';
import type { Moment } from '../../../spec/world-time.ts';
import { answerTo } from './smoke.ts';
import { type History, valueAt } from './timeline.ts';

export interface Slots extends ScriptedRunner {
  /** What runs in a slot, or ran there last; `null` before anything did and after a removal. */
  at(slot: string): Instance | null;
  readonly dials: Readonly<Record<string, string>>;
  /** Who listens at an address. */
  readonly host: (dial: string) => Host | undefined;
  /** Sets the pace of all counters by what the proxy gives each address at this moment. */
  pace(shares: readonly DialShare[], now: number): void;
  moments(): readonly Moment[];
  /** Request counters as they were scraped last. */
  scraped(at: number, lookbackMs: number): readonly ScrapedCount[];
}

/** One counter of a process. */
export interface ScrapedCount {
  readonly instance: Instance;
  /** HTTP status of the counted requests. */
  readonly code: string;
  readonly value: number;
  /** When it was scraped. */
  readonly at: number;
}

export interface SlotsOptions {
  readonly dials: Readonly<Record<string, string>>;
  readonly script: WorldScript;
  readonly behaviour: (release: HookRelease) => WorldRelease;
  readonly suites: () => readonly Plan['suites'][];
  readonly history: History;
  /** Something started or stopped. */
  readonly changed: () => void;
}

export function createSlots({ dials, script, behaviour, suites, history, changed }: SlotsOptions): Slots {
  const all: Instance[] = [];
  const present = new Map<string, Instance>();
  const stop = (slot: string, now: number) => {
    const instance = present.get(slot);
    present.delete(slot);
    if (instance === undefined) return;
    instance.stoppedAt = now;
    changed();
  };
  const byDial = new Map(Object.entries(dials).map(([slot, dial]) => [dial, hostOf(slot)]));

  function hostOf(slot: string): Host {
    const listening = (now: number): Instance | null => {
      const instance = present.get(slot);
      return instance !== undefined && isListening(instance, now, history) ? instance : null;
    };
    return {
      listens: (now) => listening(now) !== null,
      answer(request, now) {
        const instance = listening(now);
        if (instance === null) throw refused(request);
        const answer = answerTo(request, instance, suites(), now, history);
        instance.requests.extra(now);
        if (answer.status >= 500) instance.errors.extra(now);
        return answer;
      },
    };
  }

  return {
    dials,
    at: (slot) => present.get(slot) ?? null,
    host: (dial) => byDial.get(dial),
    start(slot, release, now) {
      const dial = dials[slot] ?? '';
      const instance = createInstance({ release, slot, dial, script: behaviour(release), startedAt: now });
      present.set(slot, instance);
      all.push(instance);
      changed();
    },
    stop,
    look: (slot, now): Look => {
      const instance = present.get(slot);
      return instance === undefined
        ? { alive: false, ready: false, detail: 'its process is gone' }
        : lookAt(instance, now, history);
    },
    pace(shares, now) {
      const rate = BigInt(Math.round(valueAt(script.milliRequests, now, history)));
      for (const instance of all) {
        const bp = shares.reduce((sum, share) => sum + (share.dial === instance.dial ? share.bp : 0), 0);
        const serves = present.get(instance.slot) === instance && lookAt(instance, now, history).ready;
        const pace = serves ? rate * BigInt(Math.round(bp * 1_000)) : 0n;
        const ppm = BigInt(Math.round(valueAt(instance.script.errorsPpm, now, history)));
        instance.requests.set(pace, now);
        instance.errors.set(pace * ppm, now);
      }
    },
    moments: () => all.flatMap((instance) => momentsOfInstance(instance, history.began)),
    scraped: (at, lookbackMs) =>
      all.flatMap((instance) => {
        const scrape = lastScrape(instance, at, script.scrapeMs, history);
        if (scrape === null || scrape <= at - lookbackMs) return [];
        const errors = instance.errors.value(scrape);
        const good = instance.requests.value(scrape) - errors;
        return [
          { instance, code: '200', value: good, at: scrape },
          { instance, code: '500', value: errors, at: scrape },
        ];
      }),
  };
}

/** Scrapes are at whole multiples of their interval; what does not listen then is not seen. */
function lastScrape(instance: Instance, at: number, everyMs: number, history: History): number | null {
  const gone = Math.min(instance.stoppedAt ?? Infinity, deathOf(instance, history) ?? Infinity);
  const end = Math.min(at, gone - 1);
  for (let scrape = Math.floor(end / everyMs) * everyMs; scrape >= instance.startedAt; scrape -= everyMs) {
    if (isListening(instance, scrape, history)) return scrape;
    if (at - scrape > 600_000) return null; // older than any question goes back
  }
  return null;
}
