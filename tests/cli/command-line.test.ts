import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { exitCodes } from '../../cli/exit-codes.ts';
import { createProgram } from '../../cli/program.ts';
import { processIo } from '../../cli/io.ts';
import { inProject } from '../../testbed/root.ts';
import { sluice } from './terminal.ts';

const image = `registry.example/web@sha256:${'a'.repeat(64)}`;

describe('the command line', () => {
  test('has every command of the product, each with examples in its help', async () => {
    const { program } = createProgram(processIo());
    const names = program.commands.map((command) => command.name());
    expect(names).toMatchInlineSnapshot(`
      [
        "init",
        "validate",
        "simulate",
        "setup",
        "worker",
        "doctor",
        "plan",
        "start",
        "list",
        "status",
        "explain",
        "watch",
        "timeline",
        "record",
        "approve",
        "reject",
        "more-soak",
        "withdraw",
        "pause",
        "resume",
        "flip",
        "freeze",
        "lift",
        "edit",
        "step-back",
        "abort",
        "detach",
        "zero",
        "completion",
        "complete",
        "help",
      ]
    `);
    for (const name of names.filter((one) => !['help', 'complete'].includes(one))) {
      const { exit, out } = await sluice([name, '--help']);
      expect(exit).toBe(0);
      expect(out, name).toContain(`$ sluice ${name}`);
      expect(out, name).toContain('--json');
    }
  });

  test('shows its help and ends with the user’s mistake when nothing is asked', async () => {
    const { exit, out } = await sluice([]);
    expect(exit).toBe(2);
    expect(out).toContain('Answer a gate:');
  });

  test('prints the table of exit codes, each code once', async () => {
    const { exit, out } = await sluice(['help', 'exit-codes']);
    expect(exit).toBe(0);
    const codes = Object.values(exitCodes).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const [name, { code }] of Object.entries(exitCodes))
      expect(out).toContain(`${String(code).padStart(3)}  ${name} `);
  });

  test('says which version it is', async () => {
    const { version } = JSON.parse(readFileSync(inProject('package.json'), 'utf8')) as { version: string };
    expect(await sluice(['--version'])).toEqual({ exit: 0, out: version, err: '' });
  });

  test('suggests the command that was meant', async () => {
    const { exit, err } = await sluice(['aprove', 'production/web', 'go']);
    expect(exit).toBe(2);
    expect(err).toContain('Did you mean approve?');
  });

  test.each([
    [['status', 'web'], 'ENVIRONMENT/SERVICE'],
    [['status', 'a/b/c'], 'ENVIRONMENT/SERVICE'],
    [['step-back', 'production/web', '--to', '5'], 'give a percentage'],
    [['step-back', 'production/web', '--to', '101%'], 'give a percentage'],
    [['watch', 'production/web', '--timeout', '5 parsecs'], 'give a duration'],
    [['list', '--state', 'bakin'], 'baking'],
    [['simulate', 'rollout.yaml'], 'examples/world.yaml'],
    [['simulate', 'rollout.yaml'], 'see sluice simulate --help'],
    [['simulate', 'examples/kubernetes.yaml', '--world', 'examples/world.yaml'], 'no cluster is simulated'],
    [['reject', 'production/web', 'go'], '--reason'],
    [['approve', 'production/web', 'go', '--evidence', '0'], 'whole number'],
    [['start', 'rollout.yaml', '--label', 'v2', '--image', 'registry.example/web:v2'], 'sha256'],
    [['start', 'rollout.yaml', '--label', 'v2', '--image', image.toUpperCase()], 'sha256'],
  ])('says in one line what is wrong with %j', async (args, words) => {
    const { exit, out, err } = await sluice(args);
    expect(exit).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(words);
    expect(err).not.toContain('    at ');
  });

  test('asks nobody who stops for a reason', async () => {
    const { exit, err } = await sluice(['abort', 'production/web', '--address', '127.0.0.1:1']);
    expect(err).toContain('not reachable');
    expect(exit).toBe(11);
  });

  test('gives errors as JSON on standard output', async () => {
    const { exit, out, err } = await sluice(['status', 'web', '--json']);
    expect(exit).toBe(2);
    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'usage', exitCode: 2 } });
  });

  test('says that Temporal is not reachable in one line, without a stack', async () => {
    const { exit, err } = await sluice(['list', '--address', '127.0.0.1:1']);
    expect(exit).toBe(11);
    expect(err).toBe(
      'sluice: Temporal is not reachable at 127.0.0.1:1: connection refused; ' +
        'another server is named by --address, TEMPORAL_ADDRESS or --profile',
    );
  });

  test('tells a wrong profile as the user’s mistake', async () => {
    const { exit, err } = await sluice(['list', '--profile', 'nosuch']);
    expect(exit).toBe(2);
    expect(err).toContain('nosuch');
  });
});
