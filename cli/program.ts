/** The command `sluice` as a tree of sub-commands; bodies load what they need when they run. */

import { Command } from '@commander-js/extra-typings';
import { abortCommand } from './commands/abort.ts';
import { approveCommand } from './commands/approve.ts';
import { doctorCommand } from './commands/doctor.ts';
import { editCommand } from './commands/edit.ts';
import { explainCommand } from './commands/explain.ts';
import { helpCommand } from './commands/help.ts';
import { initCommand } from './commands/init.ts';
import { listCommand } from './commands/list.ts';
import { moreSoakCommand } from './commands/more-soak.ts';
import { pauseCommand } from './commands/pause.ts';
import { planCommand } from './commands/plan.ts';
import { recordCommand } from './commands/record.ts';
import { rejectCommand } from './commands/reject.ts';
import { completionCommand } from './commands/completion.ts';
import { detachCommand } from './commands/detach.ts';
import { flipCommand } from './commands/flip.ts';
import { freezeCommand, liftCommand } from './commands/freeze.ts';
import { resumeCommand } from './commands/resume.ts';
import { setupCommand } from './commands/setup.ts';
import { simulateCommand } from './commands/simulate.ts';
import { startCommand } from './commands/start.ts';
import { statusCommand } from './commands/status.ts';
import { stepBackCommand } from './commands/step-back.ts';
import { timelineCommand } from './commands/timeline.ts';
import { validateCommand } from './commands/validate.ts';
import { watchCommand } from './commands/watch.ts';
import { zeroCommand } from './commands/zero.ts';
import { withdrawCommand } from './commands/withdraw.ts';
import { workerCommand } from './commands/worker.ts';
import type { Program } from './command.ts';
import { Context, type Globals } from './context.ts';
import type { Io } from './io.ts';
import { version } from './version.ts';

export function createProgram(io: Io): { readonly program: Program; readonly context: Context } {
  const program = new Command('sluice')
    .description('Moves production traffic to a new release in steps, and takes it back when it is bad.')
    .version(version(), '--version', 'which Sluice this is')
    .option('--address <host:port>', 'Temporal server (else TEMPORAL_ADDRESS or the profile)')
    .option('--namespace <name>', 'Temporal namespace (else TEMPORAL_NAMESPACE or the profile)')
    .option('--profile <name>', "profile of Temporal's configuration file (else TEMPORAL_PROFILE)")
    .option(
      '--task-queue <name>',
      'task queue of the workers (else SLUICE_TASK_QUEUE)',
      io.env['SLUICE_TASK_QUEUE'] ?? 'sluice',
    )
    .option('--json', 'answers and errors as JSON on standard output')
    .option('--no-color', 'no colours (also NO_COLOR)')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.out(context.typable(text.trimEnd())),
      writeErr: () => undefined,
      getOutHelpWidth: () => io.width,
    })
    .exitOverride()
    .addHelpText('after', firstSteps);
  const context = new Context(
    io,
    () => program.opts() satisfies Globals,
    () => program.commands.map((command) => command.name()),
  );
  addCommands(program, context);
  return { program, context };
}

function addCommands(program: Program, context: Context): void {
  const groups = {
    'Before a rollout:': [
      initCommand,
      validateCommand,
      simulateCommand,
      setupCommand,
      workerCommand,
      doctorCommand,
      planCommand,
    ],
    'Run and watch:': [
      startCommand,
      listCommand,
      statusCommand,
      explainCommand,
      watchCommand,
      timelineCommand,
      recordCommand,
    ],
    'Answer a gate:': [approveCommand, rejectCommand, moreSoakCommand, withdrawCommand],
    'Stop and go on:': [
      pauseCommand,
      resumeCommand,
      flipCommand,
      freezeCommand,
      liftCommand,
      editCommand,
      stepBackCommand,
      abortCommand,
      detachCommand,
      zeroCommand,
    ],
    'More:': [completionCommand, helpCommand],
  };
  for (const [group, commands] of Object.entries(groups)) {
    program.commandsGroup(group);
    for (const add of commands) add(program, context);
  }
}

const firstSteps = `
Examples:
  $ sluice init --service web --environment production
  $ sluice plan rollout.yaml --image registry.example/web@sha256:… --label v2
  $ sluice start rollout.yaml --image registry.example/web@sha256:… --label v2 --wait
  $ sluice approve production/web go

ROLLOUT is ENVIRONMENT/SERVICE, e.g. production/web.
Exit codes: sluice help exit-codes`;
