import { beforeAll, describe, expect, it } from 'vitest';
import { buildWorkflowBundle } from '../../worker/bundle.ts';

describe('the workflow bundle', () => {
  let code = '';
  let modules: readonly string[] = [];
  beforeAll(async () => {
    code = await buildWorkflowBundle();
    modules = modulesOf(code);
  });

  it('holds the rollout with plan, approvals and the words of the judge', () => {
    for (const wanted of [
      'workflows/rollout.ts',
      'approvals/decide.ts',
      'plan/digest.ts',
      'workflows/payload-converter.ts',
    ]) {
      expect(modules.some((module) => module.endsWith(`/${wanted}`))).toBe(true);
    }
  });

  it.each([
    'zod',
    'yaml',
    'axios',
    'prom-client',
    'pino',
    'hono',
    'jstat',
    'commander',
    '@kubernetes',
    '@prometheus-io',
  ])('holds nothing of %s', (library) => {
    expect(modules.filter((module) => module.includes(`node_modules/${library}/`))).toEqual([]);
  });

  it.each(['spec', 'activities', 'providers', 'client', 'cli', 'worker', 'testbed'])(
    'holds nothing of our %s',
    (room) => {
      expect(ours(modules).filter((module) => module.startsWith(`${room}/`))).toEqual([]);
    },
  );

  it('knows of the judge nothing but its words', () => {
    expect(ours(modules).filter((module) => module.startsWith('judge/'))).toEqual(
      ours(modules).includes('judge/verdict.ts') ? ['judge/verdict.ts'] : [],
    );
  });

  it('holds only libraries that we know of', () => {
    const libraries = modules.flatMap((module) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(module)?.[1] ?? []);
    expect([...new Set(libraries)].sort()).toMatchInlineSnapshot(`
      [
        "@noble/hashes",
        "@temporalio/common",
        "@temporalio/workflow",
        "canonicalize",
        "long",
        "ms",
        "nexus-rpc",
      ]
    `);
  });

  it('is loaded once for all rollouts of a worker', () => {
    const preloaded = /function preloadModules\(\) \{([^}]*)\}/.exec(code)?.[1] ?? '';
    for (const module of ['index', 'payload-converter', 'ahead', 'reserved']) {
      expect(preloaded).toContain(`workflows/${module}.ts`);
    }
  });

  it('stays small, its source map included', () => {
    expect(code.length).toBeLessThan(3_000_000);
  });
});

function ours(modules: readonly string[]): readonly string[] {
  const root =
    modules.find((module) => module.endsWith('/workflows/rollout.ts'))?.replace('workflows/rollout.ts', '') ?? '';
  return modules.filter((module) => module.startsWith(root)).map((module) => module.slice(root.length));
}

/** Paths of everything that was bundled, from the inline source map. */
function modulesOf(bundle: string): readonly string[] {
  const marker = 'sourceMappingURL=data:application/json;charset=utf-8;base64,';
  const encoded = bundle.slice(bundle.lastIndexOf(marker) + marker.length).split(/\s/, 1)[0] ?? '';
  const map = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as { sources: string[] };
  return map.sources;
}
