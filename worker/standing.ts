/** Tells plainly whether Temporal gives this worker what begins: a version that is not current yet looks like a hang. */

import type { Client } from '@temporalio/client';
import {
  idleBecause,
  isServed,
  makeCurrent,
  routingOf,
  versionless,
  wordsFor,
  type Routing,
  type Version,
} from '../client/versions.ts';
import type { Clock } from '../providers/ports.ts';
import type { Log } from './logger.ts';
import { wordsFor as wordsForError } from './temporal.ts';
import { within } from './within.ts';

const answerMs = 5_000;
const everyMs = 10_000;

export interface Standing {
  /** Why it is given nothing, and the command that mends it; `null` while it is, or another version is. */
  problem(): string | null;
  /** Looks, and says so in the log when it has changed, until `signal` is aborted. */
  follow(signal: AbortSignal): Promise<void>;
}

export interface StandingOptions {
  readonly client: Client;
  readonly taskQueue: string;
  readonly version: Version;
  readonly clock: Clock;
  readonly log: Log;
}

export function createStanding({ client, taskQueue, version, clock, log }: StandingOptions): Standing {
  const { namespace } = client.options;
  let said = '';
  let problem: string | null = null;
  const look = async (): Promise<void> => {
    const asked = client.workflowService.describeTaskQueue({ namespace, taskQueue: { name: taskQueue } });
    const routing = routingOf((await within(answerMs, asked)).versioningInfo);
    problem = routing.current === null ? idleBecause([version], routing, namespace) : null;
    const words = problem ?? standingOf(version, routing, namespace);
    if (words === said) return;
    said = words;
    if (problem === null) log.info({ ...version }, words);
    else log.warn({ ...version }, words);
  };
  return {
    problem: () => problem,
    follow: async (signal) => {
      while (!signal.aborted) {
        await look().catch((error: unknown) => {
          log.debug({ why: wordsForError(error, namespace) }, 'Temporal did not say which version is current');
        });
        await clock.sleep(everyMs, signal).catch(() => undefined); // told to stop
      }
    },
  };
}

function standingOf(version: Version, routing: Routing, namespace: string): string {
  const own = `this worker is ${wordsFor(version)}`;
  if (isServed(version, routing)) return `${own}, which is given what begins`;
  const current = routing.current === null ? `${versionless} are` : `${wordsFor(routing.current)} is`;
  return `${own}; ${current} given what begins. To give it to this one: ${makeCurrent(version, namespace)}`;
}
