/** One write at a time to one Caddy from this process; what lowers exposure goes first and waits for nobody for long. */

import type { Clock, Http } from '../../ports.ts';

/** Waiting is asking again: waits go through the `Clock` like all others. */
const stepMs = 10;
/** A lowering write waits this long for the one in flight, then goes beside it: compare-and-set keeps both honest. */
const graceMs = 150;

export interface Lane {
  run<T>(urgent: boolean, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

const lanes = new WeakMap<Http, Map<string, Lane>>();

/** The lane belongs to the door it writes through, so that it goes when the door goes. */
export function laneFor(http: Http, clock: Clock, admin: string): Lane {
  const ofHttp = lanes.get(http) ?? new Map<string, Lane>();
  lanes.set(http, ofHttp);
  const lane = ofHttp.get(admin) ?? createLane(clock);
  ofHttp.set(admin, lane);
  return lane;
}

export function createLane(clock: Clock): Lane {
  let writing = 0;
  let lowering = 0;
  const mustWait = (urgent: boolean, waitedMs: number): boolean =>
    urgent ? writing > 0 && waitedMs < graceMs : writing > 0 || lowering > 0;

  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    writing += 1;
    try {
      return await work();
    } finally {
      writing -= 1;
    }
  };

  return {
    async run(urgent, work, signal) {
      if (urgent) lowering += 1;
      try {
        for (let waitedMs = 0; mustWait(urgent, waitedMs); waitedMs += stepMs) await clock.sleep(stepMs, signal);
        return await write(work);
      } finally {
        if (urgent) lowering -= 1;
      }
    },
  };
}
