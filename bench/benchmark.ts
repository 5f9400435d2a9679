/** One claim and how it is measured. */

/** A measurement prints plain JSON, or a few lines for people. */
export interface Benchmark {
  readonly what: string;
  run(options: BenchOptions): Promise<{ readonly json: unknown; readonly text: string }>;
}

/** Those that a benchmark does not know change nothing. */
export interface BenchOptions {
  /** Where releases run. */
  readonly target: string;
  /** How often each thing is measured; `null`: as often as the claim asks. */
  readonly tries: number | null;
  /** Other rollouts that bake meanwhile. */
  readonly baking: number;
}
