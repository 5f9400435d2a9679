/** How the person called this command, so that the commands it prints can be copied as they stand. */

import { delimiter, dirname, relative, sep } from 'node:path';
import { quoted } from './hand-typed.ts';

/** `sluice` when a shell finds it by that name, else the way to it: `./bin/sluice` in a clone. */
export function calledAs(script: string | undefined, cwd: string, path: string | undefined): string {
  if (script === undefined || (path ?? '').split(delimiter).includes(dirname(script))) return 'sluice';
  const near = relative(cwd, script);
  const way = near.startsWith(`..${sep}..`) ? script : near.startsWith('.') ? near : `.${sep}${near}`;
  return quoted(way);
}

/** Texts name commands as `sluice <command>`, wherever they come from; this makes them what can be typed here. */
export function typable(text: string, command: string, names: readonly string[]): string {
  if (command === 'sluice') return text;
  const named = new RegExp(`(^|[\\s\`(])sluice (?=(?:${names.join('|')}|--help)(?![\\w-]))`, 'gm');
  return text.replace(named, (_, before: string) => `${before}${command} `);
}
