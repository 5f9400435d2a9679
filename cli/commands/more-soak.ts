/** `sluice more-soak`: neither yes nor no, but more time at the present weight first. */

import { Argument } from '@commander-js/extra-typings';
import { durationArgument } from '../arguments.ts';
import type { Program } from '../command.ts';
import type { Context } from '../context.ts';
import { reasonOption, rolloutArg } from '../options.ts';
import { gateArg, withDecisionOptions } from './decision-command.ts';

export function moreSoakCommand(program: Program, context: Context): void {
  const answer = program
    .command('more-soak')
    .description('close an open gate and bake longer at the present weight; then it asks again on new evidence')
    .addArgument(rolloutArg())
    .addArgument(gateArg())
    .addArgument(new Argument('<duration>', 'how much longer, e.g. 30m').argParser(durationArgument));
  withDecisionOptions(answer, context, reasonOption())
    .addHelpText('after', examples)
    .action(
      context.ends(async (id, gate, soakMs, options) => {
        const { decideGate } = await import('./decision.ts');
        return decideGate(context, 'more-soak', id, gate, { ...options, soakMs });
      }),
    );
}

const examples = `
Examples:
  $ sluice more-soak production/web wide@25% 30m --by ana --reason "not enough logins yet"`;
