/** `sluice start`: from a file and a release to a running rollout. */

import type * as Client from '../../client/index.ts';
import { rolloutName } from '../../client/ids.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Status } from '../../plan/status.ts';
import { durationArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import { exitOfOutcome, type Exit } from '../exit-codes.ts';
import { imageOption, labelOption, type ReleaseOptions, requesterOption } from '../options.ts';
import type { Program } from '../command.ts';

export function startCommand(program: Program, context: Context): void {
  program
    .command('start')
    .description('start a rollout; returns after preflight, or with --wait at its end')
    .argument('<file>', 'rollout file')
    .addOption(imageOption())
    .addOption(labelOption())
    .addOption(requesterOption('asks', context.io.user))
    .option('--replace', 'tell a running rollout of the service to make room, wait for its end, then start')
    .option('--wait', "show it until the end and exit with the outcome's code")
    .option('--timeout <duration>', 'with --wait: stop waiting after this long (exit code 6)', durationArgument)
    .addHelpText('after', examples)
    .action(context.ends((file, options) => start(context, file, options)));
}

interface Options extends ReleaseOptions {
  readonly replace?: true | undefined;
  readonly wait?: true | undefined;
  readonly timeout?: number | undefined;
}

async function start(context: Context, file: string, options: Options): Promise<Exit> {
  const { image, label, requester } = options;
  const specs = await import('../specs.ts');
  const loaded = await specs.loadSpec(file);
  const assumed = specs.planOffline(loaded, { ...image, label });
  return context.withSession(async (session, client) => {
    const { plan, planDigest } = await specs.planOnline(session, client, loaded, assumed);
    const { renderStarted } = await import('../render/started.ts');
    if (options.replace === true) await replace(context, { session, client, plan, requester });
    const started = await client.start(session, { plan, planDigest, requester });
    if (options.wait === true) {
      const { watchRollout } = await import('../watching.ts');
      context.note(renderStarted({ ...started, planDigest, status: null }));
      return watchRollout(context, { session, client, ...started, timeoutMs: options.timeout ?? null });
    }
    const status = await afterPreflight(session, client, started);
    const { rollout, run } = started;
    await context.print({ rollout, run, planDigest, status }, () => renderStarted({ ...started, planDigest, status }));
    return status?.outcome == null ? 'ok' : exitOfOutcome(status.outcome);
  });
}

interface Replacing {
  readonly session: Client.Session;
  readonly client: typeof Client;
  readonly plan: Plan;
  readonly requester: string;
}

/** The new plan is known to be sound by now, so nothing is taken back for a file with mistakes. */
async function replace(context: Context, { session, client, plan, requester }: Replacing): Promise<void> {
  const rollout = client.rolloutId(plan.environment, plan.service);
  const name = rolloutName(rollout);
  context.note(`asking ${name} to make room, if it runs`);
  const reason = `replaced by ${plan.release.label}`;
  const room = await client.makeRoom(session, rollout, { by: requester, reason });
  if (room.kind === 'left')
    context.note(`${name} has made room: ${room.result?.outcome ?? 'ended without an outcome'}`);
}

/** Long enough for a target and a metrics system that answer at all, ms. */
const preflightMs = 10_000;

/** The first status after preflight, so that a refusal is told at once; `null` when it takes longer. */
async function afterPreflight(
  session: Client.Session,
  client: typeof Client,
  { rollout, run }: Client.Started,
): Promise<Status | null> {
  const signal = AbortSignal.timeout(preflightMs);
  for await (const { status } of client.follow(session, rollout, { everyMs: 300, signal })) {
    if (status?.run === run && status.phase !== 'preparing') return status;
  }
  return null;
}

const examples = `
Examples:
  $ sluice start rollout.yaml --image registry.example/web@sha256:… --label v2
  $ sluice start rollout.yaml --image registry.example/web@sha256:… --label v3 --replace
  $ sluice start rollout.yaml --image registry.example/web@sha256:… --label v2 --requester ana --wait --timeout 6h`;
