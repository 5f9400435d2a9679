// Lint: type-aware rules everywhere, and who may import whom (docs: CONTRIBUTING, "The house").
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const rooms = [
  'spec',
  'plan',
  'judge',
  'approvals',
  'workflows',
  'activities',
  'providers',
  'client',
  'cli',
  'web',
  'worker',
  'testbed',
  'bench',
];

/** A room may import values only from `mayUse`; types from anywhere. `packages` are banned module patterns. */
function room(name, mayUse, packages, more) {
  const others = rooms.filter((other) => other !== name && !mayUse.includes(other));
  return {
    files: [`${name}/**/*.ts`],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            ...others.map((other) => ({
              regex: `^(\\.\\./)+${other}/`,
              allowTypeImports: true,
              message: `${name} must not import values from ${other}.`,
            })),
            ...(more === undefined ? [] : [more]),
            ...packages.map((group) => ({
              group: [group],
              allowTypeImports: true,
              message: `${name} must not use ${group}.`,
            })),
          ],
        },
      ],
    },
  };
}

const node = ['node:*'];
const vendors = [
  'axios',
  '@kubernetes/*',
  'prom-client',
  'pino',
  'hono',
  'hono/*',
  '@hono/*',
  'commander',
  'dockerode',
];
const temporal = ['@temporalio/*'];

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'coverage', '.demo'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
  room('plan', [], [...node, ...vendors, ...temporal, 'zod', 'yaml', 'jstat']),
  room('judge', ['plan'], [...node, ...vendors, ...temporal, 'zod', 'yaml']),
  room('approvals', ['judge', 'plan'], [...node, ...vendors, ...temporal, 'zod', 'yaml']),
  room('spec', ['plan'], [...temporal, ...vendors]),
  {
    files: ['workflows/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(\\.\\./)+(spec|activities|providers|client|cli|web|worker|testbed|bench)/',
              allowTypeImports: true,
              message: 'workflows see plan, approvals, judge/verdict and the contract as types.',
            },
            {
              regex: '^(\\.\\./)+judge/(?!verdict)',
              allowTypeImports: true,
              message: 'workflows use judge/verdict only.',
            },
            {
              group: [
                ...node,
                ...vendors,
                'zod',
                'yaml',
                'jstat',
                '@temporalio/client',
                '@temporalio/worker',
                '@temporalio/activity',
              ],
              allowTypeImports: true,
              message: 'not inside the sandbox.',
            },
          ],
        },
      ],
    },
  },
  room(
    'activities',
    ['plan', 'judge', 'approvals', 'providers'],
    ['@temporalio/workflow', '@temporalio/client', '@temporalio/worker'],
  ),
  room('providers', ['plan', 'judge'], temporal),
  room('client', ['plan', 'approvals', 'workflows'], ['@temporalio/worker', '@temporalio/activity'], {
    regex: '^(\\.\\./)+workflows/(?!messages)',
    allowTypeImports: true,
    message: 'client knows the messages, not the bodies of workflows.',
  }),
  room(
    'worker',
    rooms.filter((other) => !['cli', 'web'].includes(other)),
    [],
    {
      regex: '^(\\.\\./)+workflows/(?!messages|payload-converter)',
      allowTypeImports: true,
      message: 'worker knows workflows by path only, their messages and their payload converter.',
    },
  ),
  // Whoever asks the machine itself cannot be simulated.
  {
    files: ['activities/**/*.ts', 'providers/**/*.ts'],
    ignores: ['providers/clock.ts', 'providers/http.ts', 'providers/sockets.ts'],
    rules: {
      'no-restricted-globals': ['error', { name: 'fetch', message: 'the network is behind the port Http.' }],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'time is behind the port Clock.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'time is behind the port Clock.',
        },
        {
          selector: 'CallExpression[callee.name=/^set(Timeout|Interval)$/]',
          message: 'time is behind the port Clock.',
        },
      ],
    },
  },
  // One copy of these modules serves all rollouts of a worker (`preloadModules` in worker/bundle.ts).
  {
    files: ['workflows/**/*.ts', 'plan/**/*.ts', 'approvals/**/*.ts', 'judge/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: ':matches(Program, Program > ExportNamedDeclaration) > VariableDeclaration[kind!="const"]',
          message: 'a module that all rollouts share keeps no state.',
        },
      ],
    },
  },
  // `sluice simulate` runs testbed/simulator, `sluice worker` the worker.
  room('cli', ['spec', 'plan', 'judge', 'approvals', 'client', 'worker', 'testbed'], []),
);
