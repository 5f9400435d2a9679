/** `sluice explain`: what it waits for, who can unblock it, what happens otherwise. */

import type { Context } from '../context.ts';
import type { Exit } from '../exit-codes.ts';
import { rolloutArg, runOption } from '../options.ts';
import type { Program } from '../command.ts';

export function explainCommand(program: Program, context: Context): void {
  program
    .command('explain')
    .description('what it waits for, since when, who can unblock it, what happens otherwise')
    .addArgument(rolloutArg())
    .addOption(runOption())
    .addHelpText('after', examples)
    .action(context.ends((rollout, { run }) => explain(context, rollout, run)));
}

async function explain(context: Context, rollout: string, run: string | undefined): Promise<Exit> {
  const explanation = await context.withSession((session, client) => client.explain(session, rollout, run));
  await context.print(explanation, async () => {
    const { renderExplanation } = await import('../render/answers.ts');
    return renderExplanation(explanation, Date.now(), context.io.width);
  });
  return 'ok';
}

const examples = `
Examples:
  $ sluice explain production/web`;
