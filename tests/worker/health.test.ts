import { describe, expect, it } from 'vitest';
import { createHealth, serveHealth, type Readiness } from '../../worker/health.ts';

function app(readiness: Readiness = { temporal: null, workers: null }) {
  return createHealth({ metrics: async () => 'sluice_up 1\n', readiness: async () => readiness });
}

describe('the health of a worker', () => {
  it('is alive as soon as it answers', async () => {
    const answer = await app({ temporal: 'not connected yet' }).request('/healthz');
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'alive' }]);
  });

  it('is ready when every check is well', async () => {
    const answer = await app().request('/readyz');
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { ready: true, checks: { temporal: 'ok', workers: 'ok' } },
    ]);
  });

  it('is not ready when one is not, and says which', async () => {
    const answer = await app({ temporal: 'Temporal does not answer', workers: null }).request('/readyz');
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { ready: false, checks: { temporal: 'Temporal does not answer', workers: 'ok' } },
    ]);
  });

  it('stays ready when something is to be looked at, and says what', async () => {
    const warnings = () => ['nobody is current'];
    const health = createHealth({ metrics: async () => '', readiness: async () => ({ temporal: null }), warnings });
    const answer = await health.request('/readyz');
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { ready: true, checks: { temporal: 'ok' }, warnings: ['nobody is current'] },
    ]);
  });

  it('serves metrics in the text format of Prometheus', async () => {
    const answer = await app().request('/metrics');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answer.text()).toBe('sluice_up 1\n');
  });
});

describe('its server', () => {
  it('listens where it is told, and lets go of the port', async () => {
    const server = await serveHealth(app(), '127.0.0.1:0');
    const answer = await fetch(`http://127.0.0.1:${server.port}/healthz`);
    expect(answer.status).toBe(200);
    await server.close();
    await expect(fetch(`http://127.0.0.1:${server.port}/healthz`)).rejects.toThrow();
  });

  it('says plainly when the address is in use', async () => {
    const server = await serveHealth(app(), '127.0.0.1:0');
    const listen = `127.0.0.1:${server.port}`;
    await expect(serveHealth(app(), listen)).rejects.toMatchObject({
      name: 'WorkerProblem',
      message: `cannot listen on ${listen}: the address is in use`,
    });
    await server.close();
  });
});
