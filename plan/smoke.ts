/** What one smoke request came to, for the record. */

export interface SmokeResult {
  readonly name: string;
  readonly status: number | null;
  readonly ms: number;
  /** The failed assertion in words; `null` when all held. */
  readonly failed: string | null;
  /** Redacted, at most 300 characters, and only when something failed. */
  readonly body: string | null;
}
