/** Why no plan can be made. */

/** Something in spec, release or target that makes a plan impossible. */
export interface PlanProblem {
  /** Place in the spec; empty for what was given at the start. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly expected?: string;
}
