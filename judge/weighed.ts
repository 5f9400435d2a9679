/** What a criterion's data is worth before time, warm-up and minimum samples are looked at. */

export type Weighed =
  | {
      readonly kind: 'usable';
      readonly value: number;
      readonly baseline: number | null;
      readonly breached: boolean;
      /** `canary 0.6% > 0.5%` */
      readonly compared: string;
      /** What stands at the sentence's end: which alerts, which parts. Empty for plain numbers. */
      readonly detail: string;
    }
  | {
      readonly kind: 'unusable';
      /** `no-data`: the canary's number is not there. `inconclusive`: it is, but there is nothing to hold it against. */
      readonly verdict: 'no-data' | 'inconclusive';
      readonly value: number | null;
      readonly baseline: number | null;
      readonly reason: string;
    }
  /** It does not count now. */
  | { readonly kind: 'idle'; readonly value: number | null; readonly baseline: number | null; readonly reason: string };
