import { describe, expect, it } from 'vitest';
import { parseWorkerConfig } from '../../spec/worker-config.ts';
import { deploymentOf } from '../../worker/version.ts';

const head = 'apiVersion: sluice/v1\nkind: Worker\ndirectory: ./directory.yaml\nconnections: {}\n';

function read(versioning: string) {
  const result = parseWorkerConfig(`${head}versioning: ${versioning}\n`, 'worker.yaml');
  if (!result.ok)
    throw new Error(result.problems.map(({ message, expected }) => `${message}: ${expected ?? ''}`).join('\n'));
  return result.value.versioning;
}

describe('the version of a worker', () => {
  it('is none unless the operator wants one', () => {
    const result = parseWorkerConfig(head, 'worker.yaml');
    expect(result).toMatchObject({ ok: true, value: { versioning: null } });
  });

  it('pins rollouts to their build unless the operator lets them move', () => {
    expect(deploymentOf(read('{ build: "2026-11-28" }'), {})).toEqual({
      version: { deploymentName: 'sluice', buildId: '2026-11-28' },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    });
    expect(deploymentOf(read('{ deployment: canary, build: a, rollouts: auto-upgrade }'), {})).toMatchObject({
      version: { deploymentName: 'canary', buildId: 'a' },
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    });
  });

  it('comes from the environment where a controller puts it', () => {
    const versioning = read('{ deployment: { env: NAME }, build: { env: BUILD } }');
    expect(deploymentOf(versioning, { NAME: 'prod/sluice', BUILD: 'v1.2' }).version).toEqual({
      deploymentName: 'prod/sluice',
      buildId: 'v1.2',
    });
    expect(() => deploymentOf(versioning, { NAME: 'prod/sluice' })).toThrow(
      'versioning.build: environment variable BUILD is not set',
    );
    expect(() => deploymentOf(versioning, { NAME: 'a.b', BUILD: 'v1' })).toThrow(
      'versioning.deployment: NAME is "a.b", which Temporal refuses',
    );
  });

  it.each([
    ['{ deployment: a.b }', /a\.b.*is not the name of a Worker Deployment.*such as sluice/s],
    ['{ build: "__x" }', /__x.*is not a build id/s],
    ['{ build: 28 }', /28 is not a build id/],
    ['{ rollouts: frozen }', /pinned.*auto-upgrade/s],
  ])('%s is refused, with what would be right', (versioning, words) => {
    expect(() => read(versioning)).toThrow(words);
  });
});
