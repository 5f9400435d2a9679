// Loaded before a worker: its machine's clock is wrong by so many milliseconds. Arguments: SLUICE_TEST_CLOCK_MS.
import process from 'node:process';

const wrongByMs = Number(process.env['SLUICE_TEST_CLOCK_MS']);
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + wrongByMs);
    else super(...given);
  }

  static now() {
    return RealDate.now() + wrongByMs;
  }
};
