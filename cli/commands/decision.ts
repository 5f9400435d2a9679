/** What all answers to a gate share: show the evidence, bind the decision to it, send it, say what came of it. */

import type * as Client from '../../client/index.ts';
import type { DecisionInput, DecisionKind, DecisionReceipt } from '../../approvals/request.ts';
import type { RequestStatus, Status } from '../../plan/status.ts';
import { formatDuration } from '../../plan/units.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Exit } from '../exit-codes.ts';
import { signalLine } from '../hand-typed.ts';
import { clean } from '../render/clean.ts';
import { renderEvidence } from '../render/evidence.ts';

export interface DecisionOptions {
  readonly by: string;
  readonly reason?: string | undefined;
  /** The revision that the person has looked at; another one is not signed. */
  readonly evidence?: number | undefined;
  readonly updateId?: string | undefined;
  readonly print?: true | undefined;
  readonly yes?: true | undefined;
  /** Needed for `more-soak`. */
  readonly soakMs?: number;
}

type Answer = Omit<DecisionInput, 'validUntil'>;

export async function decideGate(
  context: Context,
  decision: DecisionKind,
  rollout: string,
  gate: string,
  options: DecisionOptions,
): Promise<Exit> {
  return context.withSession(async (session, client) => {
    const { status, request } = await openRequest(session, client, rollout, gate);
    checkRevision(request, options.evidence);
    const picture = { status, request, now: Date.now(), width: context.io.width };
    context.note(renderEvidence(picture, await context.paint()));
    const planDigest = request.edit?.planDigest ?? status.planDigest;
    const { evidenceDigest } = request;
    const reason = options.reason ?? null;
    const answer: Answer = {
      decision,
      gate,
      by: options.by,
      planDigest,
      evidenceDigest,
      reason,
      soakMs: options.soakMs ?? null,
      signature: null,
    };
    if (options.print === true) return await print(context, rollout, answer);
    if (!(await agreed(context, answer, options.yes === true))) return 'undecided';
    const receipt = await client.decide(session, rollout, answer, { updateId: options.updateId });
    await context.print({ receipt, sent: answer, evidenceRevision: request.evidenceRevision }, () =>
      receiptLine(receipt, answer),
    );
    return receipt.outcome === 'ignored' ? 'ignored' : 'ok';
  });
}

async function openRequest(
  session: Client.Session,
  client: typeof Client,
  rollout: string,
  gate: string,
): Promise<{ readonly status: Status; readonly request: RequestStatus }> {
  const answer = await client.readStatus(session, rollout);
  if (!answer.described.open) throw client.finished(answer.described);
  if (answer.kind === 'described') throw answer.why;
  const { status } = answer;
  const request = status.requests.find((candidate) => candidate.gate === gate && candidate.state === 'open');
  if (request !== undefined) return { status, request };
  const decided = status.requests.findLast((candidate) => candidate.gate === gate);
  if (decided !== undefined) throw new CliError('ignored', `gate ${gate} is ${decided.state}: nothing was sent`);
  const open = status.requests.filter((candidate) => candidate.state === 'open').map((candidate) => candidate.gate);
  throw new CliError('not-found', `gate ${gate} is not open; open now: ${open.join(', ') || 'none'}`, {
    data: { gate, open },
  });
}

function checkRevision(request: RequestStatus, wanted: number | undefined): void {
  if (wanted === undefined || wanted === request.evidenceRevision) return;
  const now = String(request.evidenceRevision);
  throw new CliError(
    'ignored',
    `the evidence is at revision ${now}, not ${String(wanted)}: look at it again; nothing was sent`,
    {
      data: { evidenceRevision: request.evidenceRevision },
    },
  );
}

/** The same message for Temporal's own command, for whoever has nothing else at hand. */
async function print(context: Context, rollout: string, answer: Answer): Promise<Exit> {
  const { decision, gate, by, planDigest, evidenceDigest, reason, soakMs } = answer;
  const more = { ...(reason === null ? {} : { reason }), ...(soakMs === null ? {} : { soakMs }) };
  const input = { decision, gate, by, planDigest, evidenceDigest, ...more };
  const command = signalLine(context.connection, rollout, 'decide', input);
  await context.print({ command }, () => command);
  return 'ok';
}

async function agreed(context: Context, { decision, gate, by }: Answer, yes: boolean): Promise<boolean> {
  const { ask } = context.io;
  if (yes || ask === null || context.json) return true;
  const said = await ask(`${decision} ${gate} as ${by}? [y/N] `);
  if (/^y(es)?$/i.test(said.trim())) return true;
  context.note('nothing was sent');
  return false;
}

function receiptLine(receipt: DecisionReceipt, { decision, gate, by, soakMs }: Answer): string {
  if (receipt.outcome === 'ignored') return `${decision} ${gate} by ${by} was ignored: ${clean(receipt.reason)}`;
  if (receipt.outcome === 'recorded' && soakMs !== null)
    return `more soak recorded: ${formatDuration(soakMs)} longer at the present weight, then gate ${gate} asks again`;
  const missing =
    receipt.state === 'open' && receipt.missing !== '' ? `; still missing: ${clean(receipt.missing)}` : '';
  const again = receipt.outcome === 'duplicate' ? ' (already counted)' : '';
  return `${decision} ${gate} by ${by} ${receipt.outcome === 'recorded' ? 'recorded' : 'stands'}${again}: gate is ${receipt.state}${missing}`;
}
