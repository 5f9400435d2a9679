/** Who sits on which seat: one person fills at most one, and as many as possible are filled. */

/** Whether a person may fill a seat. */
export type May = (seat: number, person: number) => boolean;

/**
 * Maximum bipartite matching by augmenting paths (Kuhn). Seats are tried in order and a filled seat stays filled, so
 * *which* seats are filled does not depend on the order of the people. Result: per seat the person, or -1.
 */
export function fillSeats(seats: number, people: number, may: May): readonly number[] {
  const seatOf = new Array<number>(people).fill(-1);
  const personOf = new Array<number>(seats).fill(-1);
  const place = (seat: number, tried: Set<number>): boolean => {
    for (let person = 0; person < people; person++) {
      if (tried.has(person) || !may(seat, person)) continue;
      tried.add(person);
      const held = seatOf[person] ?? -1;
      if (held === -1 || place(held, tried)) {
        seatOf[person] = seat;
        personOf[seat] = person;
        return true;
      }
    }
    return false;
  };
  for (let seat = 0; seat < seats; seat++) place(seat, new Set());
  return personOf;
}

/**
 * Seats that a newcomer could take so that `empty` gets filled after people move up: `empty` itself, and every seat
 * whose holder could move to one of these.
 */
export function seatsThatHelp(empty: number, personOf: readonly number[], may: May): readonly number[] {
  const reached = [empty];
  for (const seat of reached) {
    personOf.forEach((person, other) => {
      if (person !== -1 && !reached.includes(other) && may(seat, person)) reached.push(other);
    });
  }
  return reached;
}
