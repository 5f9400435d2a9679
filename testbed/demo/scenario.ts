/** One rollout of the demo: started by the command line, its gates answered by a scripted approver, watched to its end. */

import { exitCodes } from '../../cli/exit-codes.ts';
import type { Session } from '../../client/index.ts';
import { readStatus, rolloutId } from '../../client/index.ts';
import type { Outcome } from '../../plan/phases.ts';
import type { Status } from '../../plan/status.ts';
import { waitFor } from '../wait.ts';
import type { ScenarioName, Stage } from './stage.ts';

export interface Scenario {
  readonly name: ScenarioName;
  readonly expected: Outcome;
  /** Who says no at which gate; everybody else says yes. */
  readonly rejects: { readonly gate: string; readonly by: string; readonly reason: string } | null;
  /** What happens to the world on the way; called with every status, may be slow. */
  readonly disturb: (status: Status) => Promise<void>;
}

/** The person of each role; see the world's directory. */
const personOf: Readonly<Record<string, string>> = { sre: 'ana', qa: 'quinn' };

/** Returns the last status. Throws when the command line refuses, or it takes more than three minutes. */
export async function play(
  stage: Stage,
  session: Session,
  scenario: Scenario,
  show: (name: ScenarioName, status: Status) => void,
): Promise<Status> {
  const { name } = scenario;
  await sluice(stage, [
    ...['start', stage.file(name), '--label', 'v2', '--requester', 'rita'],
    ...['--image', `registry.example/${name}@${stage.digest(name, 'v2')}`],
  ]);
  const rollout = rolloutId('demo', name);
  const look = async () => {
    const answer = await readStatus(session, rollout);
    if (answer.kind !== 'live') return null;
    show(name, answer.status);
    await scenario.disturb(answer.status);
    await answerGates(stage, scenario, answer.status);
    return answer.status.outcome === null ? null : answer.status;
  };
  return waitFor(look, { for: `rollout ${name} to end`, withinMs: 300_000, everyMs: 250 });
}

/** Everybody who is still awaited answers, one by one. */
async function answerGates(stage: Stage, { name, rejects }: Scenario, status: Status): Promise<void> {
  for (const { gate, state, missingRoles } of status.requests) {
    if (state !== 'open') continue;
    if (rejects?.gate === gate) {
      await sluice(stage, ['reject', `demo/${name}`, gate, '--by', rejects.by, '--reason', rejects.reason]);
      continue;
    }
    for (const role of missingRoles) {
      const person = personOf[role];
      if (person === undefined) throw new Error(`the demo has nobody for role ${role}`);
      await sluice(stage, ['approve', `demo/${name}`, gate, '--by', person]);
    }
  }
}

/** A gate may close while somebody answers it: then the answer counts for nothing, and that is no failure. */
const tooLate: readonly (number | null)[] = [
  exitCodes.ignored.code,
  exitCodes['not-found'].code,
  exitCodes.finished.code,
];

/** Throws with the command's own words when it fails. */
async function sluice(stage: Stage, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await stage.sluice(args);
  if (code === 0 || (args[0] !== 'start' && tooLate.includes(code))) return;
  throw new Error(`sluice ${args.join(' ')} ended with ${String(code)}: ${stderr.trim()} ${stdout.trim()}`);
}
