/** A promise of DESIGN §3 that was not kept, by its name. */

export class Broken extends Error {
  override readonly name = 'Broken';

  constructor(invariant: string, sentence: string) {
    super(`${invariant}: ${sentence}`);
  }
}
