/** Errors that are meant for the person at the keyboard, and how any error becomes text, JSON and an exit code. */

import { ClientError, type ClientFacts } from '../client/errors.ts';
import { rolloutName } from '../client/ids.ts';
import { exitCodes, exitOfClientError, type Exit } from './exit-codes.ts';
import { cleanText } from './render/clean.ts';

/** The message is one line; `details` follow it on their own lines; `data` goes into `--json`. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: Exit;
  readonly details: readonly string[];
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    exit: Exit,
    message: string,
    more: { readonly details?: readonly string[]; readonly data?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message);
    this.exit = exit;
    this.details = more.details ?? [];
    this.data = more.data ?? {};
  }
}

export interface Reported {
  readonly exit: Exit;
  readonly text: string;
  readonly json: { readonly error: Readonly<Record<string, unknown>> };
}

/** Known errors never show a stack; unknown ones are our bugs and do. */
export function reportOf(error: unknown): Reported {
  if (error instanceof CliError) {
    const { exit, message, details, data } = error;
    return reported(exit, exit, [cleanText(message), ...details].join('\n'), { message, ...data });
  }
  if (error instanceof ClientError) {
    const { code, ...facts } = error.facts;
    const text = `${cleanText(error.message)}${adviceFor(error.facts)}`;
    return reported(exitOfClientError(code), code, text, { message: error.message, ...facts });
  }
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  return reported('internal', 'internal', `unexpected error, please report it\n${stack}`, { message });
}

/** What a person may do next. */
function adviceFor(facts: ClientFacts): string {
  switch (facts.code) {
    case 'unreachable':
      return '; another server is named by --address, TEMPORAL_ADDRESS or --profile';
    case 'already-running': {
      const name = cleanText(rolloutName(facts.rollout));
      return [
        '',
        `  follow it with: sluice watch ${name}`,
        `  stop it with: sluice abort ${name}`,
        '  let it make room for this release: the same line with --replace',
      ].join('\n');
    }
    default:
      return '';
  }
}

function reported(exit: Exit, code: string, text: string, facts: Readonly<Record<string, unknown>>): Reported {
  return { exit, text: `sluice: ${text}`, json: { error: { code, exitCode: exitCodes[exit].code, ...facts } } };
}
