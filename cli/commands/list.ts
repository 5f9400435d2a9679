/** `sluice list`: running and recent rollouts. */

import { Option } from '@commander-js/extra-typings';
import { countArgument, textArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import type { Exit } from '../exit-codes.ts';
import type { Program } from '../command.ts';
import type { RolloutState } from '../../plan/phases.ts';

/** A word that no rollout can be in finds none, and says nothing of the slip. */
const states: Readonly<Record<RolloutState, true>> = {
  preparing: true,
  'awaiting-approval': true,
  deploying: true,
  shifting: true,
  baking: true,
  held: true,
  frozen: true,
  paused: true,
  promoting: true,
  watching: true,
  retiring: true,
  'rolling-back': true,
  completed: true,
  'rolled-back': true,
  aborted: true,
  superseded: true,
  detached: true,
  refused: true,
};

export function listCommand(program: Program, context: Context): void {
  program
    .command('list')
    .description('running and recent rollouts; needs no worker')
    .option('--open', 'only those that still run')
    .option('--archived', 'also those that only the archive still has; asks the worker')
    .option('--service <name>', 'only this service', textArgument)
    .option('--environment <name>', 'only this environment', textArgument)
    .addOption(new Option('--state <state>', 'only this phase or outcome').choices(Object.keys(states)))
    .option('--limit <count>', 'at most so many', countArgument, 50)
    .addHelpText('after', examples)
    .action(context.ends((filter) => list(context, filter)));
}

interface Filter {
  readonly open?: true | undefined;
  readonly archived?: true | undefined;
  readonly service?: string | undefined;
  readonly environment?: string | undefined;
  readonly state?: string | undefined;
  readonly limit: number;
}

async function list(context: Context, filter: Filter): Promise<Exit> {
  const rows = await context.withSession((session, client) =>
    client.list(session, { ...filter, open: filter.open === true, archived: filter.archived === true }),
  );
  await context.print(rows, async () => {
    const { renderList } = await import('../render/answers.ts');
    return renderList(rows, Date.now(), await context.paint());
  });
  return 'ok';
}

const examples = `
Examples:
  $ sluice list --open
  $ sluice list --archived --service web --environment production --state rolled-back
  $ sluice list --state awaiting-approval --json`;
