/** `sluice status`: one look at a rollout, running or ended. */

import type { LastingAnswer } from '../../client/index.ts';
import type { Explanation } from '../../plan/status.ts';
import type { Context } from '../context.ts';
import type { Exit } from '../exit-codes.ts';
import { rolloutArg, runOption } from '../options.ts';
import type { Program } from '../command.ts';

export function statusCommand(program: Program, context: Context): void {
  program
    .command('status')
    .description('where a rollout stands; without a worker, what the Temporal server knows')
    .addArgument(rolloutArg())
    .addOption(runOption())
    .addHelpText('after', examples)
    .action(context.ends((rollout, { run }) => status(context, rollout, run)));
}

async function status(context: Context, rollout: string, run: string | undefined): Promise<Exit> {
  const { answer, explanation } = await context.withSession(async (session, client) => {
    const answer = await client.lastingStatus(session, rollout, run);
    const live = answer.kind === 'live' && answer.status.outcome === null;
    return { answer, explanation: live ? await client.explain(session, rollout, run) : null };
  });
  await context.print(jsonOf(answer), () => textOf(context, answer, explanation));
  return answer.kind === 'described' && answer.described.open ? 'no-worker' : 'ok';
}

async function textOf(context: Context, answer: LastingAnswer, explanation: Explanation | null): Promise<string> {
  const paint = await context.paint();
  const now = Date.now();
  if (answer.kind === 'described') {
    const { renderDescribed } = await import('../render/answers.ts');
    return renderDescribed(answer.described, answer.why.message, now, paint);
  }
  const { renderWatch } = await import('../render/watch.ts');
  const status = answer.kind === 'live' ? answer.status : answer.record.status;
  if (answer.kind === 'archived') context.note(`from ${answer.from}`);
  return renderWatch({
    status,
    explanation: context.typable(explanation),
    trouble: null,
    now,
    width: context.io.width,
    paint,
  });
}

function jsonOf(answer: LastingAnswer): unknown {
  if (answer.kind === 'archived')
    return { status: answer.record.status, described: null, trouble: null, from: answer.from };
  const { described } = answer;
  return answer.kind === 'live'
    ? { status: answer.status, described, trouble: null }
    : { status: null, described, trouble: answer.why.facts };
}

const examples = `
Examples:
  $ sluice status production/web
  $ sluice status production/web --json | jq '.status.weights'
  $ sluice status production/web --run 3f2a9c1b     # an older one: see sluice list`;
