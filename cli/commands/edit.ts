/** `sluice edit`: another plan for a running rollout: shown as a diff, applied when it tightens, else asked about. */

import { rolloutName } from '../../client/ids.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Edit, EditVerdict } from '../../plan/edit.ts';
import type { EditPlanInput, RunningPlan } from '../../workflows/messages.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Exit } from '../exit-codes.ts';
import { signalLine } from '../hand-typed.ts';
import { byOption, noReason, reasonOption, rolloutArg, updateIdOption } from '../options.ts';
import type { Program } from '../command.ts';
import type { RaiseOptions } from './raise.ts';

export function editCommand(program: Program, context: Context): void {
  program
    .command('edit')
    .description('tighten the plan of a running rollout; what does not only tighten is asked at its strictest gate')
    .addArgument(rolloutArg())
    .argument('<file>', 'rollout file, edited')
    .addOption(byOption('asks', context.io.user))
    .addOption(reasonOption().default(noReason))
    .addOption(updateIdOption())
    .option('--dry-run', 'show the difference, send nothing')
    .option('--print', "send nothing, print the line for Temporal's own command")
    .option('--yes', 'do not ask on a terminal')
    .addHelpText('after', examples)
    .action(context.ends((rollout, file, options) => edit(context, rollout, file, options)));
}

interface Options extends RaiseOptions {
  readonly dryRun?: true | undefined;
  readonly print?: true | undefined;
  readonly yes?: true | undefined;
}

interface Difference {
  readonly edits: readonly Edit[];
  readonly verdict: EditVerdict;
  /** The gate that is asked; `null` when none is. */
  readonly asks: string | null;
}

async function edit(context: Context, rollout: string, file: string, options: Options): Promise<Exit> {
  const specs = await import('../specs.ts');
  const loaded = await specs.loadSpec(file);
  return context.withSession(async (session, client) => {
    const running = await client.runningPlan(session, rollout);
    const { plan, planDigest } = specs.planAgain(loaded, running.plan);
    const difference = await differenceOf(running, plan);
    const shown = { rollout, planDigest, fromDigest: running.planDigest, ...difference };
    const { renderEdits } = await import('../render/edits.ts');
    context.note(renderEdits(shown, await context.paint()));
    refuse(difference);
    const { by, reason, updateId } = options;
    const input = { plan, planDigest, fromDigest: running.planDigest, by, reason };
    if (difference.verdict === 'same' || options.dryRun === true) {
      await context.print({ ...shown, receipt: null }, () => 'nothing was sent');
      return difference.verdict === 'same' ? 'ignored' : 'ok';
    }
    if (options.print === true) return await print(context, rollout, input);
    if (!(await agreed(context, difference, options.yes === true))) return 'undecided';
    const receipt = await client.editPlan(session, rollout, input, { updateId });
    const { receiptText } = await import('../render/receipts.ts');
    await context.print({ ...shown, receipt }, () => `${rolloutName(rollout)}: ${receiptText(receipt)}`);
    return receipt.state === 'ignored' ? 'ignored' : 'ok';
  });
}

async function differenceOf({ plan: from, position }: RunningPlan, to: Plan): Promise<Difference> {
  const { editsOf, strictestGate } = await import('../../plan/edits.ts');
  const { verdictOf } = await import('../../plan/edit.ts');
  const edits = editsOf(from, to, position);
  const verdict = verdictOf(edits);
  return { edits, verdict, asks: verdict === 'needs-asking' ? (strictestGate(from)?.id ?? null) : null };
}

/** What the rollout would refuse is not sent. */
function refuse({ edits, verdict, asks }: Difference): void {
  const data = { edits, verdict };
  if (verdict === 'forbidden') {
    throw new CliError('refused', 'not while it runs, so nothing was sent: end the rollout and start another one', {
      data,
    });
  }
  if (verdict === 'needs-asking' && asks === null) {
    throw new CliError('refused', 'no gate of the plan could be asked about it, so nothing was sent', { data });
  }
}

async function print(context: Context, rollout: string, input: Omit<EditPlanInput, 'validUntil'>): Promise<Exit> {
  const command = signalLine(context.connection, rollout, 'edit-plan', input);
  await context.print({ command }, () => command);
  return 'ok';
}

async function agreed(context: Context, { asks }: Difference, yes: boolean): Promise<boolean> {
  const { ask } = context.io;
  if (yes || ask === null || context.json) return true;
  const said = await ask(asks === null ? 'apply it? [y/N] ' : `ask gate ${asks} about it? [y/N] `);
  if (/^y(es)?$/i.test(said.trim())) return true;
  context.note('nothing was sent');
  return false;
}

const examples = `
Examples:
  $ sluice edit production/web rollout.yaml --dry-run
  $ sluice edit production/web rollout.yaml --reason "a longer bake before 25%"
  $ sluice approve production/web edit/wide@25%    # when a gate is asked about it`;
