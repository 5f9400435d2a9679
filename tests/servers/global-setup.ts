/** Before the first test with real servers: the servers are there. */

import { locate, serverNames } from '../../testbed/servers/locate.ts';

export default async function setUp(): Promise<void> {
  for (const name of serverNames) await locate(name);
}
