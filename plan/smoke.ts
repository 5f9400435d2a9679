/** Which smoke is run against which release, and what one request of it came to. */

/** Which release a suite talks to: the canary by its preview route, stable directly, or whatever the public gets. */
export type SmokeAim = 'canary' | 'stable' | 'public';

export interface SmokeRun {
  readonly suite: string;
  readonly aim: SmokeAim;
}

export interface SmokeResult {
  readonly name: string;
  readonly status: number | null;
  readonly ms: number;
  /** The failed assertion in words; `null` when all held. */
  readonly failed: string | null;
  /** Redacted, at most 300 characters, and only when something failed. */
  readonly body: string | null;
  /** A clean-up does not decide whether the suite passed. Absent for the suite's own requests. */
  readonly part?: 'clean-up';
}

/** Variables that every run of a suite has, the same throughout the run: test data that no other run has. */
export const runVariables = ['unique', 'uniqueDate', 'uniqueDateAfter'] as const;

/** What a request is made with beside those: when it is sent, what a signature is over and what it comes to. */
export const requestVariables = ['timestamp', 'body', 'signature'] as const;
