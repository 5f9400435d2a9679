/** What a verification finds. */

/** One thing that must be so. */
export interface Check {
  readonly what: string;
  readonly holds: boolean;
}
