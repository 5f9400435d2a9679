/** `sluice explain`: what it waits for, who can unblock it, what happens otherwise. */

import type { Context } from '../context.ts';
import type { Exit } from '../exit-codes.ts';
import { rolloutArg } from '../options.ts';
import type { Program } from '../command.ts';

export function explainCommand(program: Program, context: Context): void {
  program
    .command('explain')
    .description('what it waits for, since when, who can unblock it, what happens otherwise')
    .addArgument(rolloutArg())
    .addHelpText('after', examples)
    .action(context.ends((rollout) => explain(context, rollout)));
}

async function explain(context: Context, rollout: string): Promise<Exit> {
  const explanation = await context.withSession((session, client) => client.explain(session, rollout));
  await context.print(explanation, async () => {
    const { renderExplanation } = await import('../render/answers.ts');
    return renderExplanation(explanation, Date.now());
  });
  return 'ok';
}

const examples = `
Examples:
  $ sluice explain production/web`;
