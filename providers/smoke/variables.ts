/** Variables that every run has: test data that no other run has, all told from one word so that a server can tell them too. */

import type { runVariables } from '../../plan/smoke.ts';

const day = 86_400_000;
const minute = 60_000;
/** Letters that a moment takes until the year 2059. */
const momentLetters = 8;
/** Ten years: a day in them is free again after two and a half days of runs. */
const days = 3_650;

/** The word of one run: its moment and some random letters. */
export function uniqueWord(at: number, random: string): string {
  return `${at.toString(36).padStart(momentLetters, '0')}${random}`;
}

/** `unique` is the word itself; `uniqueDate` a day of the next ten years, another every minute. */
export function variablesOf(word: string): ReadonlyMap<(typeof runVariables)[number], string> {
  const at = Number.parseInt(word.slice(0, momentLetters), 36);
  const date = at + (1 + (Math.floor(at / minute) % days)) * day;
  return new Map([
    ['unique', word],
    ['uniqueDate', dateOf(date)],
    ['uniqueDateAfter', dateOf(date + day)],
  ]);
}

function dateOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
