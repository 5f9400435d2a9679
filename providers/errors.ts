/** One union for everything that can go wrong outside, so that callers decide on codes and never on vendor texts. */

export type ProviderErrorCode =
  | 'unreachable' // no answer, or an answer of a broken server: may be tried again, the effect is unknown
  | 'denied' // credentials or rights
  | 'missing' // the thing does not exist
  | 'conflict' // somebody changed it between our read and our write: read again
  | 'invalid' // the request itself is wrong: never tried again
  | 'throttled' // asked too often: later
  | 'fenced'; // a larger fence or a foreign claim stands there: this effect is too late, for ever

export interface ProviderErrorFacts {
  readonly code: ProviderErrorCode;
  /** What was tried, in words: `PATCH the route "web"`. No secrets. */
  readonly doing: string;
  /** What came back, in words. No secrets. */
  readonly detail: string;
  /** For `throttled`: when to come back. */
  readonly retryAfterMs?: number;
  /** For `fenced`: the fence that was found. */
  readonly fence?: number;
  readonly cause?: unknown;
}

/** The only error that providers throw on purpose. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly code: ProviderErrorCode;
  readonly doing: string;
  readonly detail: string;
  readonly retryAfterMs: number | null;
  readonly fence: number | null;

  constructor(facts: ProviderErrorFacts) {
    super(`${facts.doing}: ${facts.detail}`, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    this.doing = facts.doing;
    this.detail = facts.detail;
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.fence = facts.fence ?? null;
  }
}
