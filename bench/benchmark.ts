/** One claim and how it is measured. */

/** A measurement prints plain JSON, or a few lines for people. */
export interface Benchmark {
  readonly what: string;
  run(): Promise<{ readonly json: unknown; readonly text: string }>;
}
