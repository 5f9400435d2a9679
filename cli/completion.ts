/** What could stand next on a command line, from the same tree that reads it; running rollouts and gates are asked for. */

import type { Program } from './command.ts';

/** What only a server can tell; both answer with nothing when nobody is there. */
export interface Known {
  /** `production/web`, those that run. */
  rollouts(): Promise<readonly string[]>;
  /** Gates of a rollout that are open. */
  gates(rollout: string): Promise<readonly string[]>;
}

/** `words`: those before the cursor, without the command's own name; the last one is being typed and may be empty. */
export async function candidates(program: Program, words: readonly string[], known: Known): Promise<readonly string[]> {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const isOption = typed.startsWith('-');
  const { command, values, wantsValue } = readingOf(program, before);
  if (wantsValue) return [];
  const names = program.commands.map((one) => one.name()).filter((name) => name !== 'complete');
  const found = isOption
    ? flagsOf(program, command)
    : command === null
      ? names
      : await argumentsOf(command, { values, known, names });
  return found.filter((one) => one.startsWith(typed)).sort();
}

type Sub = Program['commands'][number];

/** How far the line has been told: which command, which arguments, and whether an option still waits for its value. */
function readingOf(program: Program, before: readonly string[]) {
  let command: Sub | null = null;
  let wantsValue = false;
  const values: string[] = [];
  for (const word of before) {
    if (wantsValue) wantsValue = false;
    else if (word.startsWith('-')) {
      const known = [...program.options, ...(command?.options ?? [])].find(({ long, short }) =>
        [long, short].includes(word),
      );
      wantsValue = known !== undefined && (known.required || known.optional);
    } else if (command === null) command = program.commands.find((one) => one.name() === word) ?? null;
    else values.push(word);
  }
  return { command, values, wantsValue };
}

function flagsOf(program: Program, command: Sub | null): readonly string[] {
  const options = [...program.options, ...(command?.options ?? [])];
  return [...options.flatMap(({ long, hidden }) => (long == null || hidden ? [] : [long])), '--help'];
}

interface Told {
  readonly values: readonly string[];
  readonly known: Known;
  /** Of all commands. */
  readonly names: readonly string[];
}

async function argumentsOf(command: Sub, { values, known, names }: Told): Promise<readonly string[]> {
  const argument = command.registeredArguments[values.length];
  switch (argument?.name()) {
    case 'rollout':
      return known.rollouts();
    case 'gate':
      return known.gates(values[0] ?? '');
    case 'topic':
      return ['exit-codes', ...names];
    default:
      return argument?.argChoices ?? [];
  }
}
