/** `sluice simulate`: a rollout rehearsed in a written world, hours in seconds; no server, nothing real. */

import { readFile } from 'node:fs/promises';
import { countArgument, imageArgument, textArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Exit } from '../exit-codes.ts';
import { exitOfOutcome } from '../exit-codes.ts';
import { readText } from '../files.ts';
import type { Program } from '../command.ts';
import type { Plan } from '../../plan/plan.ts';

export function simulateCommand(program: Program, context: Context): void {
  program
    .command('simulate')
    .description('rehearse a rollout in a written world: who is asked when, what happens on each failure')
    .argument('<file>', 'rollout file')
    .option('--world <file>', 'required: how the service, its releases and its people behave (examples/world.yaml)')
    .option('--directory <file>', 'who holds which role (else whoever answers in the world holds every role)')
    .option('--image <image@digest>', 'REGISTRY/NAME@sha256:… (else a made-up digest)', imageArgument)
    .option('--label <label>', 'short name of the release', textArgument, 'canary')
    .option('--requester <name>', 'who would ask', textArgument, context.io.user)
    .option('--seed <number>', 'another seed, another order of what happens at the same time', countArgument, 1)
    .addHelpText('after', examples)
    .action(context.ends((file, options) => simulate(context, file, options)));
}

interface Options {
  readonly world?: string | undefined;
  readonly directory?: string | undefined;
  readonly image?: ReturnType<typeof imageArgument> | undefined;
  readonly label: string;
  readonly requester: string;
  readonly seed: number;
}

/** Monday morning, so that the same file and seed always give the same rehearsal. */
const startsAt = Date.UTC(2026, 0, 5, 9);

async function simulate(context: Context, file: string, options: Options): Promise<Exit> {
  const { label, requester, seed, world } = options;
  if (world === undefined) {
    throw new CliError('usage', 'a rehearsal needs a world to happen in: --world FILE', {
      details: ['examples/world.yaml is one to start from', 'see sluice simulate --help'],
    });
  }
  const specs = await import('../specs.ts');
  const loaded = await specs.loadSpec(file);
  const madeUp = { image: loaded.spec.release.image, digest: `sha256:${'5'.repeat(64)}` };
  const { rehearse, rehearsedCapabilities } = await import('../../testbed/simulator/rehearsal.ts');
  const under = { ...(options.image ?? madeUp), label };
  const { NotSimulated } = await import('../../testbed/simulator/worlds/operator.ts');
  const can = await rehearsedCapabilities(specs.planOffline(loaded, under).plan).catch((error: unknown) => {
    if (error instanceof NotSimulated) throw new CliError('usage', `${file}: ${error.message}`);
    throw error;
  });
  const { plan } = specs.planOffline(loaded, under, can);
  const script = await worldOf(world, plan);
  const people = await peopleOf(
    options.directory,
    plan,
    script.people.map(({ by }) => by),
  );
  const { bundlePath } = await import('../../worker/paths.ts');
  const bundle = await readFile(bundlePath, 'utf8');
  const rehearsal = await rehearse({ plan, script, people, requester, bundle, seed, startsAt });
  await context.print(rehearsal, async () => {
    const { renderRehearsal } = await import('../render/rehearsal.ts');
    return renderRehearsal(rehearsal, plan, options.directory === undefined);
  });
  return rehearsal.outcome === null ? 'undecided' : exitOfOutcome(rehearsal.outcome);
}

async function worldOf(file: string, plan: Plan) {
  const { parseWorld } = await import('../../spec/world.ts');
  const read = parseWorld(await readText(file), file, plan);
  if (read.ok) return read.value;
  const { problemsError } = await import('../specs.ts');
  throw problemsError(file, read.problems);
}

/** Without a directory: whoever answers holds every role, and each role has others too, so that every quorum can be met. */
async function peopleOf(file: string | undefined, plan: Plan, answering: readonly string[]) {
  if (file === undefined) {
    const fillers = plan.roles.flatMap((role) =>
      [1, 2, 3].map((each) => [`${role}-${each}`, { roles: [role] }] as const),
    );
    const named = answering.map((person) => [person, { roles: plan.roles }] as const);
    return Object.fromEntries([...fillers, ...named]);
  }
  const { parseDirectory } = await import('../../spec/directory.ts');
  const read = parseDirectory(await readText(file), file);
  if (read.ok) return read.value.people;
  const { problemsError } = await import('../specs.ts');
  throw problemsError(file, read.problems);
}

const examples = `
Examples:
  $ sluice simulate rollout.yaml --world world.yaml
  $ sluice simulate examples/shop.yaml --world examples/world.yaml --directory examples/directory.yaml
  $ sluice simulate rollout.yaml --world world.yaml --seed 7 --json

It exits as sluice start --wait would: 0 when the rehearsed rollout completes, 4 when it goes back.`;
