/** `sluice watch`: the live view until the end. */

import { durationArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import type { Exit } from '../exit-codes.ts';
import { rolloutArg } from '../options.ts';
import type { Program } from '../command.ts';

export function watchCommand(program: Program, context: Context): void {
  program
    .command('watch')
    .description("live view until the end; exits with the outcome's code")
    .addArgument(rolloutArg())
    .option(
      '--timeout <duration>',
      'stop watching after this long (exit code 6); the rollout goes on',
      durationArgument,
    )
    .addHelpText('after', examples)
    .action(context.ends((rollout, { timeout }) => watch(context, rollout, timeout ?? null)));
}

async function watch(context: Context, rollout: string, timeoutMs: number | null): Promise<Exit> {
  const { watchRollout } = await import('../watching.ts');
  return context.withSession((session, client) =>
    watchRollout(context, { session, client, rollout, run: null, timeoutMs }),
  );
}

const examples = `
On a terminal a live picture, elsewhere one line per change, with --json one JSON value per line.

Examples:
  $ sluice watch production/web
  $ sluice watch production/web --timeout 2h > rollout.log`;
