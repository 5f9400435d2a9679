/** `sluice timeline`: what happened, in order. */

import type { Context } from '../context.ts';
import type { Exit } from '../exit-codes.ts';
import { rolloutArg, runOption } from '../options.ts';
import type { Program } from '../command.ts';

export function timelineCommand(program: Program, context: Context): void {
  program
    .command('timeline')
    .description('what happened, in order; also of a rollout that has ended')
    .addArgument(rolloutArg())
    .addOption(runOption())
    .addHelpText('after', examples)
    .action(context.ends((rollout, { run }) => timeline(context, rollout, run)));
}

async function timeline(context: Context, rollout: string, run: string | undefined): Promise<Exit> {
  const events = await context.withSession((session, client) => client.timeline(session, rollout, run));
  await context.print(events, async () => {
    const { renderTimeline } = await import('../render/answers.ts');
    return renderTimeline(events);
  });
  return 'ok';
}

const examples = `
Examples:
  $ sluice timeline production/web
  $ sluice timeline production/web --json
  $ sluice timeline production/web --run 3f2a9c1b`;
