/** `sluice doctor`: is everything there that a rollout needs? */

import type { Context } from '../context.ts';
import type { Exit } from '../exit-codes.ts';
import type { Program } from '../command.ts';

export function doctorCommand(program: Program, context: Context): void {
  program
    .command('doctor')
    .description('check Temporal, namespace, search attributes, workers, the guardian and every connection')
    .addHelpText('after', examples)
    .action(context.ends(() => doctor(context)));
}

async function doctor(context: Context): Promise<Exit> {
  const client = await import('../../client/index.ts');
  const checks = await client.diagnose(context.connection);
  const healthy = checks.every((check) => check.ok);
  await context.print({ healthy, checks }, async () => {
    const { renderChecks } = await import('../render/answers.ts');
    return renderChecks(checks, await context.paint());
  });
  return healthy ? 'ok' : 'unhealthy';
}

const examples = `
Examples:
  $ sluice doctor
  $ sluice doctor --address temporal.internal:7233 --namespace rollouts --json`;
