/** The state of a rollout as its record: what the query `record` answers and the archive keeps. */

import { fitted, recordFormat, type RecordBody } from '../plan/record.ts';
import type { Run } from './run.ts';
import { statusOf } from './status.ts';

/** Once there is an outcome it says the same whenever it is asked. */
export function recordOf(run: Run): RecordBody {
  const { plan, state } = run;
  const status = statusOf(run);
  return fitted({
    format: recordFormat,
    status: state.outcome === null ? status : { ...status, at: state.phaseSince },
    plan,
    requests: state.requests,
    timeline: state.timeline,
    leftOut: [],
    masked: 0,
  });
}
