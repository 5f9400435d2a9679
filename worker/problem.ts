/** What keeps a worker from starting and can only be mended by the operator; shown as it is, without a stack. */

export class WorkerProblem extends Error {
  override readonly name = 'WorkerProblem';
}
