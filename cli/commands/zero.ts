/** `sluice zero`: all traffic back to stable without Temporal. */

import { Option } from '@commander-js/extra-typings';
import { digestArgument, durationArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Exit } from '../exit-codes.ts';
import type { Program } from '../command.ts';

export function zeroCommand(program: Program, context: Context): void {
  program
    .command('zero')
    .description('all traffic of a target back to its stable release, without Temporal; needs the worker configuration')
    .argument(
      '<target>',
      'CONNECTION/ROUTE as the worker configuration names them; on Kubernetes CONNECTION/NAMESPACE/DEPLOYMENT',
    )
    .requiredOption('--config <file>', "the operator's worker configuration")
    .option('--stable <digest>', 'where no claim tells: the release that gets all traffic', digestArgument)
    .option('--release <digest>', 'where no claim tells: the release that gets none', digestArgument)
    .addOption(
      new Option('--timeout <duration>', 'give up after this long (exit code 13)')
        .argParser(durationArgument)
        .default(120_000, '2m'),
    )
    .addHelpText('after', examples)
    .action(context.ends((target, options) => zero(context, target, options)));
}

interface Options {
  readonly config: string;
  readonly stable?: string | undefined;
  readonly release?: string | undefined;
  readonly timeout: number;
}

async function zero(context: Context, target: string, options: Options): Promise<Exit> {
  const { config, timeout, stable, release } = options;
  const [connection, ...names] = target.split('/');
  const route = names.join('/');
  if (connection === undefined || names.length === 0 || names.length > 2 || names.includes('')) {
    const expected = 'give CONNECTION/ROUTE, as in edge/web, or CONNECTION/NAMESPACE/DEPLOYMENT';
    throw new CliError('usage', `"${target}" is no target: ${expected}`);
  }
  if ((stable === undefined) !== (release === undefined)) {
    throw new CliError('usage', '--stable and --release go together: who gets all traffic, and who gets none');
  }
  const releases = stable === undefined || release === undefined ? null : { stable, release };
  const { zeroTarget } = await import('../../worker/zero.ts');
  const { WorkerProblem } = await import('../../worker/problem.ts');
  const { formatBp } = await import('../../plan/units.ts');
  const late = AbortSignal.timeout(timeout);
  const signal = AbortSignal.any([context.io.signal, late]);
  const onNews = (text: string): void => context.note(text);
  try {
    const done = await zeroTarget({ configFile: config, connection, route, releases, signal, onNews });
    const { zeroed, canary, ...facts } = done;
    await context.print({ target, rollout: facts.rollout, stable: facts.stable, ...zeroed }, () =>
      [
        `${target}: ${facts.stable.label} has all traffic, read back; ${canary.label} had ${formatBp(zeroed.fromBp)}`,
        facts.rollout === null
          ? 'no claim stands there: a running rollout sees less than it planned, holds and asks; abort it'
          : `fence ${String(zeroed.fence)} stands there: ${facts.rollout}, if it runs, sees it and goes on to rolled-back`,
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
  $ sluice zero rollout-api/web --stable sha256:be56aa423aca --release sha256:755636a0f677 --config worker.yaml
  $ SLUICE_SECRET_SHOP_TOKEN=… sluice zero edge/web --config worker.yaml --timeout 10m`;
