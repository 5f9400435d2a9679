/** Answers the questions that only the worker can answer; nothing is touched. */

import { ProviderError } from '../providers/errors.ts';
import type { DoctorCheck, InspectAnswer, InspectQuestion } from './contract.ts';
import type { Ports } from './ports.ts';
import { preflight } from './preflight.ts';
import { listRecords, readRecord } from './records.ts';
import { attemptSignal } from './signal.ts';

export function createInspect(ports: Ports): (question: InspectQuestion) => Promise<InspectAnswer> {
  return async (question) => {
    try {
      return await answer(ports, question, attemptSignal());
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return { kind: 'problem', code: error.code, message: error.message };
    }
  };
}

async function answer(ports: Ports, question: InspectQuestion, signal: AbortSignal): Promise<InspectAnswer> {
  switch (question.kind) {
    case 'capabilities': {
      const target = ports.target(question.target);
      const capabilities = await target.capabilities(signal);
      const stable = await target.stable(signal).catch((error: unknown) => {
        if (error instanceof ProviderError) return null;
        throw error;
      });
      return { kind: 'capabilities', capabilities, stable };
    }
    case 'preflight':
      return { kind: 'preflight', report: await preflight(ports, question.input, signal) };
    case 'doctor':
      return {
        kind: 'doctor',
        checks: await Promise.all(ports.connections.map((connection) => check(connection, signal))),
      };
    case 'record':
      return readRecord(ports, question, signal);
    case 'records':
      return listRecords(ports, question, signal);
  }
}

async function check(connection: Ports['connections'][number], signal: AbortSignal): Promise<DoctorCheck> {
  try {
    return { what: connection.name, ok: true, detail: await connection.ping(signal) };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { what: connection.name, ok: false, detail: error.message };
  }
}
