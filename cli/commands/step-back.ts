/** `sluice step-back`: down to an earlier weight; the gates above it ask again. */

import { percentArgument, rolloutArgument, textArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import type { Program } from '../program.ts';
import { noReason, sendControl } from './control.ts';

export function stepBackCommand(program: Program, context: Context): void {
  program
    .command('step-back')
    .description('go down to an earlier step and pause there; gates above it ask again')
    .argument('<rollout>', 'ENVIRONMENT/SERVICE', rolloutArgument)
    .option('--to <weight>', "a weight of the plan's ladder, or 0% (else one step down)", percentArgument)
    .option('--by <name>', 'who asks (else SLUICE_USER or the system user)', textArgument, context.io.user)
    .option('--reason <text>', 'why, for the record', textArgument, noReason)
    .addHelpText('after', examples)
    .action(
      context.ends((rollout, { to, by, reason }) =>
        sendControl(context, rollout, { kind: 'step-back', input: { by, reason, toBp: to ?? null } }),
      ),
    );
}

const examples = `
Examples:
  $ sluice step-back production/web --to 5% --reason "look at it with less traffic"
  $ temporal workflow signal -w rollout/production/web --name step-back --input '{"by":"ana","reason":"less traffic","to":"5%"}'`;
