/** `sluice zero`: all traffic back to stable without Temporal. */

import { durationArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Exit } from '../exit-codes.ts';
import type { Program } from '../command.ts';

export function zeroCommand(program: Program, context: Context): void {
  program
    .command('zero')
    .description('all traffic of a target back to its stable release, without Temporal; needs the worker configuration')
    .argument('<target>', 'CONNECTION/ROUTE as the worker configuration names them')
    .requiredOption('--config <file>', "the operator's worker configuration")
    .option('--timeout <duration>', 'give up after this long (exit code 13)', durationArgument, 120_000)
    .addHelpText('after', examples)
    .action(context.ends((target, options) => zero(context, target, options)));
}

interface Options {
  readonly config: string;
  readonly timeout: number;
}

async function zero(context: Context, target: string, { config, timeout }: Options): Promise<Exit> {
  const [connection, route, ...more] = target.split('/');
  if (connection === undefined || route === undefined || route === '' || more.length > 0) {
    throw new CliError('usage', `"${target}" is no target: give CONNECTION/ROUTE, as in edge/web`);
  }
  const { zeroTarget } = await import('../../worker/zero.ts');
  const { WorkerProblem } = await import('../../worker/problem.ts');
  const { formatBp } = await import('../../plan/units.ts');
  const late = AbortSignal.timeout(timeout);
  const signal = AbortSignal.any([context.io.signal, late]);
  const onTry = (reason: string): void => context.note(`not yet, trying again: ${reason}`);
  try {
    const { claim, zeroed } = await zeroTarget({ configFile: config, connection, route, signal, onTry });
    await context.print({ target, rollout: claim.rollout, stable: claim.stable, ...zeroed }, () =>
      [
        `${target}: ${claim.stable.label} has all traffic, read back; ${claim.canary.label} had ${formatBp(zeroed.fromBp)}`,
        `fence ${String(zeroed.fence)} stands there: ${claim.rollout}, if it runs, sees it and goes on to rolled-back`,
      ].join('\n'),
    );
    return 'ok';
  } catch (error) {
    if (error instanceof WorkerProblem) throw new CliError('refused', `nothing was changed: ${error.message}`);
    if (!signal.aborted) throw error;
    if (!late.aborted) throw new CliError('interrupted', `stopped; ${target} may still have its old weights`);
    throw new CliError('timed-out', `zero was not confirmed in time; ${target} may still have its old weights`);
  }
}

const examples = `
Examples:
  $ sluice zero edge/web --config worker.yaml
  $ SLUICE_SECRET_SHOP_TOKEN=… sluice zero edge/web --config worker.yaml --timeout 10m`;
