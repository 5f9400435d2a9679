/** Weighs what an `alert` criterion was told: one firing alert is bad. */

import type { Sample } from './verdict.ts';
import { clipped } from './sentences.ts';
import type { Weighed } from './weighed.ts';

/** Never throws. No alert is only good where a rule was there that could have raised one. */
export function weighAlert(sample: Sample): Weighed {
  if (sample.kind !== 'alerts' || !(sample.firing >= 0) || !(sample.rules > 0 || sample.firing > 0)) {
    const reason = sample.kind === 'no-data' ? sample.reason : 'nobody said which alerts fire';
    return { kind: 'unusable', verdict: 'no-data', value: null, baseline: null, reason };
  }
  const { firing, names, rules } = sample;
  const common = { kind: 'usable', value: firing, baseline: null } as const;
  if (firing === 0) {
    const compared = `no alert fires, ${String(rules)} ${rules === 1 ? 'rule' : 'rules'} could raise one`;
    return { ...common, breached: false, compared, detail: '' };
  }
  const compared = firing === 1 ? '1 alert fires' : `${String(firing)} alerts fire`;
  return { ...common, breached: true, compared, detail: names.length === 0 ? '' : `: ${clipped(names.join(', '))}` };
}
