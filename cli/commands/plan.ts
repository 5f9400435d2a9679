/** `sluice plan`: what would happen, asked of the real target, nothing touched. */

import type { Context } from '../context.ts';
import type { Exit } from '../exit-codes.ts';
import { imageOption, labelOption, type ReleaseOptions, requesterOption } from '../options.ts';
import type { Program } from '../command.ts';
import type { PlanPicture } from '../render/plan.ts';

export function planCommand(program: Program, context: Context): void {
  program
    .command('plan')
    .description('ladder, gates, queries, digest and preflight of a rollout that is not started')
    .argument('<file>', 'rollout file')
    .addOption(imageOption())
    .addOption(labelOption())
    .addOption(requesterOption('would ask', context.io.user))
    .option('--offline', 'ask no worker: capabilities are assumed, no preflight')
    .addHelpText('after', examples)
    .action(context.ends((file, options) => plan(context, file, options)));
}

interface Options extends ReleaseOptions {
  readonly offline?: true | undefined;
}

async function plan(context: Context, file: string, { image, label, requester, offline }: Options): Promise<Exit> {
  const specs = await import('../specs.ts');
  const loaded = await specs.loadSpec(file);
  const assumed = specs.planOffline(loaded, { ...image, label });
  if (offline === true) {
    await show(context, { ...assumed, preflight: null }, true);
    return 'ok';
  }
  return context.withSession(async (session, client) => {
    const planned = await specs.planOnline(session, client, loaded, assumed);
    const rollout = client.rolloutId(planned.plan.environment, planned.plan.service);
    const { plan, planDigest } = planned;
    const input = { plan, planDigest, rollout, run: 'plan', requester };
    const answer = await client.inspect<'preflight'>(session, { kind: 'preflight', input });
    if (answer.kind === 'problem') throw specs.inspectProblem(answer);
    const picture = { ...planned, preflight: answer.report };
    await show(context, picture, false);
    return answer.report.problems.length === 0 ? 'ok' : 'refused';
  });
}

async function show(context: Context, picture: PlanPicture, assumed: boolean): Promise<void> {
  await context.print({ ...picture, assumed }, async () => {
    const { renderPlan } = await import('../render/plan.ts');
    return renderPlan(picture, await context.paint());
  });
}

const examples = `
Examples:
  $ sluice plan rollout.yaml --image registry.example/web@sha256:… --label v2
  $ sluice plan rollout.yaml --image registry.example/web@sha256:… --label v2 --offline --json`;
