/** What a release answers to a request: what the plan's suites expect of it, unless the script says otherwise. */

import type { Plan } from '../../../plan/plan.ts';
import type { HttpRequest } from '../../../providers/ports.ts';
import { type Answer, json } from './host.ts';
import type { Instance } from './instance.ts';
import { type History, valueAt } from './timeline.ts';

export function answerTo(
  _request: HttpRequest,
  instance: Instance,
  _suites: readonly Plan['suites'][],
  now: number,
  history: History,
): Answer {
  const tookMs = valueAt(instance.script.latencyMs, now, history);
  const says = valueAt(instance.script.smoke, now, history);
  if (says !== 'pass') return { ...json(says, { ok: false, release: instance.release.label }), tookMs };
  return { ...json(200, { ok: true, release: instance.release.label }), tookMs };
}
