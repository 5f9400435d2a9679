/** Shows a rollout until it ends: a live picture on a terminal, one line per change elsewhere, JSON lines with `--json`. */

import type * as Client from '../client/index.ts';
import { rolloutName } from '../client/ids.ts';
import type { RolloutResult } from '../workflows/messages.ts';
import type { Context } from './context.ts';
import { exitCodes, exitOfOutcome, type Exit } from './exit-codes.ts';
import { renderChanges } from './render/changes.ts';
import { clean } from './render/clean.ts';
import { noHistory, remembered } from './render/history.ts';
import { marksFor } from './render/sparkline.ts';
import { outcomeColor, renderWatch } from './render/watch.ts';

export interface Watching {
  readonly session: Client.Session;
  readonly client: typeof Client;
  readonly rollout: string;
  /** First run id; `null` takes the one that is found. */
  readonly run: string | null;
  /** Give up watching after this long; `null` never. */
  readonly timeoutMs: number | null;
}

/** Exits with the outcome's code, `undecided` after the time-out, `interrupted` on Ctrl-C. The rollout goes on in both. */
export async function watchRollout(context: Context, watching: Watching): Promise<Exit> {
  const { client, session, rollout, timeoutMs } = watching;
  const timeout = timeoutMs === null ? null : AbortSignal.timeout(timeoutMs);
  const signal = timeout === null ? context.io.signal : AbortSignal.any([context.io.signal, timeout]);
  const screen = await screenFor(context);
  let { run } = watching;
  try {
    for await (const look of client.follow(session, rollout, { signal })) {
      const found = look.status?.run ?? null;
      const replaced = run !== null && found !== null && found !== run;
      run ??= found;
      if (!replaced) screen.show(look);
      if (replaced || look.ended) return await ended(context, screen, await resultOf(watching, look, run, replaced));
    }
  } finally {
    screen.done();
  }
  const exit = timeout?.aborted === true ? 'undecided' : 'interrupted';
  context.note(`no longer watching; the rollout goes on: sluice watch ${rolloutName(rollout)}`);
  return exit;
}

async function resultOf(
  { client, session, rollout }: Watching,
  look: Client.Look,
  run: string | null,
  replaced: boolean,
): Promise<RolloutResult | null> {
  const { status } = look;
  if (!replaced && look.trouble === null && status !== null && status.outcome !== null) {
    return { outcome: status.outcome, reason: status.reason };
  }
  return client.resultOf(session, rollout, run ?? undefined);
}

async function ended(context: Context, screen: Screen, result: RolloutResult | null): Promise<Exit> {
  screen.done();
  const exit: Exit = result === null ? 'no-outcome' : exitOfOutcome(result.outcome);
  const { code, meaning } = exitCodes[exit];
  if (context.json) {
    context.io.out(
      JSON.stringify({ outcome: result?.outcome ?? null, reason: result?.reason ?? null, exitCode: code }),
    );
    return exit;
  }
  const reason = result?.reason == null ? '' : `: ${clean(result.reason)}`;
  const word = result === null ? meaning : outcomeColor(result.outcome, await context.paint())(result.outcome);
  context.io.out(`\n${word}${reason} (exit code ${String(code)})`);
  return exit;
}

interface Screen {
  show(look: Client.Look): void;
  /** May be called twice. */
  done(): void;
}

async function screenFor(context: Context): Promise<Screen> {
  if (context.json) return jsonLines(context);
  return context.io.interactive ? livePicture(context) : plainLines(context);
}

async function livePicture(context: Context): Promise<Screen> {
  const live = await context.io.live();
  const { io } = context;
  const paint = await context.paint();
  const marks = marksFor(io.env);
  let history = noHistory;
  return {
    show: (look) => {
      const { status, explanation, trouble, at } = { ...look, ...context.typable(hintsOf(look)) };
      if (status === null) {
        live.show(clean(trouble ?? 'asking the rollout …'));
        return;
      }
      history = remembered(history, status);
      const course = { history, marks };
      const picture = renderWatch({ status, explanation, trouble, now: at, width: io.width, paint, course });
      live.show(context.typable(picture));
    },
    done: () => {
      live.done();
    },
  };
}

/** What a person may want to copy. */
function hintsOf({ explanation, trouble }: Client.Look): Pick<Client.Look, 'explanation' | 'trouble'> {
  return { explanation, trouble };
}

function plainLines(context: Context): Screen {
  let before: Client.Look | null = null;
  return {
    show: (look) => {
      for (const line of renderChanges(before, look)) context.io.out(context.typable(line));
      before = look;
    },
    done: () => undefined,
  };
}

/** Without the time of the answer, which says nothing new. */
function timeless<Answer extends { readonly at: number }>(answer: Answer | null): Answer | null {
  return answer === null ? null : { ...answer, at: 0 };
}

function jsonLines({ io }: Context): Screen {
  let before = '';
  return {
    show: ({ at, status, explanation, trouble }) => {
      const now = JSON.stringify({ status: timeless(status), explanation: timeless(explanation), trouble });
      if (now !== before) io.out(JSON.stringify({ at, status, explanation, trouble }));
      before = now;
    },
    done: () => undefined,
  };
}
