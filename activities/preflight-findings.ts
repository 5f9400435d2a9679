/** Where the checks of a preflight put what they find. */

/** Collects notes while the checks run side by side. */
export interface Findings {
  problem(code: string, message: string): void;
  warning(code: string, message: string): void;
}
