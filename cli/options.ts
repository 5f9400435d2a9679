/** The arguments and options that several commands share: the same word means the same everywhere. */

import { Argument, Option } from '@commander-js/extra-typings';
import { imageArgument, rolloutArgument, runArgument, textArgument } from './arguments.ts';

const who = (what: string) => `who ${what} (else SLUICE_USER or the system user)`;

export const rolloutArg = () => new Argument('<rollout>', 'ENVIRONMENT/SERVICE').argParser(rolloutArgument);

/** Who speaks; `what` completes "who …". */
export const byOption = (what: string, user: string) =>
  new Option('--by <name>', who(what)).argParser(textArgument).default(user);

/** One of several rollouts of a service, by the beginning of its id. */
export const runOption = () =>
  new Option('--run <id>', 'an older run, by the beginning of its id (see list)').argParser(runArgument);

export const reasonOption = () => new Option('--reason <text>', 'why, for the record').argParser(textArgument);

/** The reason that is sent when none is given. */
export const noReason = 'no reason given';

export const updateIdOption = () =>
  new Option('--update-id <id>', 'send again without applying it twice').argParser(textArgument);

// ── What is rolled out ───────────────────────────────────────────────────────────────────────────────────────────────

export const imageOption = () =>
  new Option('--image <image@digest>', 'REGISTRY/NAME@sha256:…').argParser(imageArgument).makeOptionMandatory();

export const labelOption = () =>
  new Option('--label <label>', 'short name; the value of the metrics label')
    .argParser(textArgument)
    .makeOptionMandatory();

export const requesterOption = (what: string, user: string) =>
  new Option('--requester <name>', who(what)).argParser(textArgument).default(user);

/** What `plan` and `start` are told about the release. */
export interface ReleaseOptions {
  readonly image: ReturnType<typeof imageArgument>;
  readonly label: string;
  readonly requester: string;
}
