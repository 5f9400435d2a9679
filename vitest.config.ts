import { defineConfig } from 'vitest/config';

const shared = { pool: 'forks' as const, testTimeout: 30_000, hookTimeout: 120_000 };

/** `unit` needs nothing but Node; `lives` explores compiled rollouts in the simulator, on all cores; `servers` needs the pinned servers, which its global set-up finds or builds; `docker` a container engine too; `kubernetes` a network namespace, in which its global set-up starts a control plane. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/servers/**', 'tests/docker/**', 'tests/kubernetes/**', 'tests/lives/**'],
          isolate: false, // loading every module anew for each file takes longer than the tests
        },
      },
      {
        test: {
          ...shared,
          name: 'lives',
          include: ['tests/lives/**/*.test.ts'],
          globalSetup: ['tests/built.ts'],
          fileParallelism: false, // each takes all cores
          testTimeout: 600_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'servers',
          include: ['tests/servers/**/*.test.ts'],
          globalSetup: ['tests/built.ts', 'tests/servers/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'docker',
          include: ['tests/docker/**/*.test.ts'],
          globalSetup: ['tests/built.ts', 'tests/servers/global-setup.ts', 'tests/docker/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'kubernetes',
          include: ['tests/kubernetes/**/*.test.ts'],
          globalSetup: ['tests/built.ts', 'tests/servers/global-setup.ts', 'tests/kubernetes/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
        },
      },
    ],
  },
});
