/** `sluice pause`: stay at the present weight, watched, with the bake clock stopped. */

import { rolloutArgument, textArgument } from '../arguments.ts';
import type { Context } from '../context.ts';
import type { Program } from '../program.ts';
import { noReason, sendControl } from './control.ts';

export function pauseCommand(program: Program, context: Context): void {
  program
    .command('pause')
    .description('stay at the present weight until resumed; a failing criterion still goes back')
    .argument('<rollout>', 'ENVIRONMENT/SERVICE', rolloutArgument)
    .option('--by <name>', 'who asks (else SLUICE_USER or the system user)', textArgument, context.io.user)
    .option('--reason <text>', 'why, for the record', textArgument, noReason)
    .addHelpText('after', examples)
    .action(
      context.ends((rollout, { by, reason }) =>
        sendControl(context, rollout, { kind: 'pause', input: { by, reason } }),
      ),
    );
}

const examples = `
Examples:
  $ sluice pause production/web --reason "support sees slow logins"
  $ temporal workflow signal -w rollout/production/web --name pause --input '{"by":"ana","reason":"slow logins"}'`;
