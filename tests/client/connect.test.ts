import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { connect } from '../../client/index.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { loopbackTemporal } from './loopback-temporal.ts';

describe('a Temporal server', () => {
  test('whose port refuses is told at once, whatever time there was for a slow one', async () => {
    const address = `127.0.0.1:${String(await freePort())}`;
    await expect(connect({ address, taskQueue: 'sluice', connectTimeoutMs: 3_600_000 })).rejects.toMatchObject({
      facts: { code: 'unreachable', address, detail: 'connection refused' },
    });
  });

  test('that takes the connection and says nothing is given its whole time', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    try {
      const options = { address: `127.0.0.1:${String(port)}`, taskQueue: 'sluice', connectTimeoutMs: 300 };
      await expect(connect(options)).rejects.toMatchObject({
        facts: { code: 'unreachable', detail: 'nothing answered within 0.3 s' },
      });
    } finally {
      silent.close();
    }
  });

  test('that answers is connected to', async () => {
    const server = await loopbackTemporal(() => 'silence', 0);
    const session = await connect({ address: server.address, taskQueue: 'sluice' });
    await session.close();
    await server.stop();
    expect(session.address).toBe(server.address);
  });
});
