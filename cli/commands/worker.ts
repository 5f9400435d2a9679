/** `sluice worker`: the process that does the work, until it is told to stop. */

import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Exit } from '../exit-codes.ts';
import type { Program } from '../command.ts';

export function workerCommand(program: Program, context: Context): void {
  program
    .command('worker')
    .description('run a worker until SIGTERM or Ctrl-C; what is in flight is finished or handed on')
    .requiredOption('--config <file>', "the operator's worker configuration")
    .addHelpText('after', examples)
    .action(context.ends(({ config }) => worker(config)));
}

/** The worker listens to signals itself. */
async function worker(config: string): Promise<Exit> {
  const { runWorker } = await import('../../worker/main.ts');
  const { WorkerProblem } = await import('../../worker/problem.ts');
  try {
    await runWorker(config);
    return 'ok';
  } catch (error) {
    if (!(error instanceof WorkerProblem)) throw error;
    const [message = '', ...details] = error.message.split('\n');
    throw new CliError('usage', message, { details });
  }
}

const examples = `
Temporal's address comes from the configuration, else from TEMPORAL_ADDRESS or the profile.

Examples:
  $ sluice worker --config worker.yaml
  $ SLUICE_SECRET_SHOP_TOKEN=… PROM_TOKEN=… sluice worker --config worker.yaml`;
