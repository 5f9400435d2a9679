/** Hears every worker of a task queue: nobody can be asked by name, so it is asked until each one has answered. */

import type { DoctorCheck } from '../activities/contract.ts';
import { ClientError } from './errors.ts';
import { inspectWorker } from './inspect.ts';
import type { Session } from './session.ts';

/** What one worker sees of its connections. */
export interface Heard {
  readonly worker: string;
  readonly checks: readonly DoctorCheck[];
}

const rounds = 4;
/** At once: a hundred workers are not asked by a thousand questions. */
const mostQuestions = 12;

/** Each worker that answered, once; `expected` are the identities that poll. Throws `ClientError` when none did. */
export async function rollCall(session: Session, expected: readonly string[]): Promise<readonly Heard[]> {
  const heard = new Map<string, Heard>();
  for (let round = 0; round < rounds; round += 1) {
    const missing = expected.filter((worker) => !heard.has(worker)).length;
    if (missing === 0 && round > 0) break;
    const questions = Array.from({ length: Math.min(mostQuestions, 1 + missing) }, () => heardOf(session));
    const answers = await Promise.all(questions);
    for (const answer of answers) if (!(answer instanceof ClientError)) heard.set(answer.worker, answer);
    const [first] = answers;
    if (heard.size === 0 && first instanceof ClientError) throw first;
  }
  return [...heard.values()];
}

/** An error when nobody took the question, or whoever took it is gone: others may still answer. */
async function heardOf(session: Session): Promise<Heard | ClientError> {
  try {
    const { worker, answer } = await inspectWorker<'doctor'>(session, { kind: 'doctor' });
    if (answer.kind === 'doctor') return { worker, checks: answer.checks };
    return { worker, checks: [{ what: 'connections', ok: false, detail: answer.message }] };
  } catch (error) {
    if (error instanceof ClientError) return error;
    throw error;
  }
}

/** What all workers say alike stands once; what they say differently stands for each of them. */
export function connectionChecks(heard: readonly Heard[]): readonly DoctorCheck[] {
  const names = [...new Set(heard.flatMap(({ checks }) => checks.map(({ what }) => what)))];
  return names.flatMap((name) => {
    const said = heard.flatMap(({ worker, checks }) =>
      checks.filter(({ what }) => what === name).map((check) => ({ worker, check })),
    );
    const [first] = said;
    if (first === undefined) return [];
    const isAgreed = said.length === heard.length && said.every(({ check }) => isSame(check, first.check));
    if (isAgreed) return [first.check];
    return said.map(({ worker, check }) => ({ ...check, what: `${name}, from ${worker}` }));
  });
}

function isSame(one: DoctorCheck, other: DoctorCheck): boolean {
  return one.ok === other.ok && one.detail === other.detail;
}
