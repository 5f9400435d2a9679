/** `sluice setup`: registers the search attributes that rollouts use, and makes the guardian's Schedule. */

import type { Context } from '../context.ts';
import type { Exit } from '../exit-codes.ts';
import type { Program } from '../command.ts';

export function setupCommand(program: Program, context: Context): void {
  program
    .command('setup')
    .description('register search attributes and make the guardian; safe to repeat')
    .addHelpText('after', examples)
    .action(context.ends(() => setup(context)));
}

async function setup(context: Context): Promise<Exit> {
  return context.withSession<Exit>(async (session, client) => {
    const done = await client.setup(session);
    const { namespace } = session;
    await context.print({ namespace, ...done }, async () => {
      const { renderSetup } = await import('../render/answers.ts');
      return renderSetup(done, namespace);
    });
    return 'ok';
  });
}

const examples = `
Examples:
  $ sluice setup
  $ sluice setup --profile prod --namespace rollouts`;
