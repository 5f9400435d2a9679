/** `sluice resume`: go on after a pause or a hold. */

import type { Context } from '../context.ts';
import type { Exit } from '../exit-codes.ts';
import { byOption, noReason, reasonOption, rolloutArg, updateIdOption } from '../options.ts';
import type { Program } from '../program.ts';
import { receiptText } from '../render/receipts.ts';

export function resumeCommand(program: Program, context: Context): void {
  program
    .command('resume')
    .description('go on after a pause or a hold')
    .addArgument(rolloutArg())
    .addOption(byOption('asks', context.io.user))
    .addOption(reasonOption().default(noReason))
    .addOption(updateIdOption())
    .addHelpText('after', examples)
    .action(context.ends((rollout, options) => resume(context, rollout, options)));
}

interface Options {
  readonly by: string;
  readonly reason: string;
  readonly updateId?: string | undefined;
}

async function resume(context: Context, rollout: string, { by, reason, updateId }: Options): Promise<Exit> {
  const receipt = await context.withSession((session, client) =>
    client.resume(session, rollout, { by, reason }, { updateId }),
  );
  await context.print({ receipt }, () => `${rollout}: ${receiptText(receipt)}`);
  return receipt.state === 'ignored' ? 'ignored' : 'ok';
}

const examples = `
Examples:
  $ sluice resume production/web --reason "the slow logins came from somewhere else"
  $ temporal workflow signal -w rollout/production/web --name resume --input '{"by":"ana","reason":"not ours"}'`;
