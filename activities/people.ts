/** What people have to do with it: who they are, and what they are told. */

import type { Proof } from '../approvals/request.ts';
import type { Activities, AnnounceInput } from './contract.ts';
import type { Ports } from './ports.ts';
import { failureOf } from './verb.ts';

export function createPeople(ports: Ports): Pick<Activities, 'prove' | 'announce'> {
  return {
    async prove(person: string): Promise<Proof> {
      try {
        const roles = await ports.directory.rolesOf(person);
        return { person, known: roles !== null, roles: roles ?? [], identity: await ports.directory.identity() };
      } catch (error) {
        throw failureOf(error);
      }
    },
    async announce(input: AnnounceInput): Promise<void> {
      const failed = await ports.notifier.send(input);
      const failing = new Set(failed.map(({ channel }) => channel));
      for (const channel of ports.notifier.channels) ports.observer.notice(channel, !failing.has(channel));
    },
  };
}
