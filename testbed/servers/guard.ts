/** The guarantee that nothing we started outlives us: a tiny shell that kills the process groups it was told when its input ends. */

import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

// It reads `+ group` and `- group`. Its input ends when our process is gone, in whatever way, kill -9 included.
const script = `
groups=" "
while read -r sign group; do
  case "$sign" in
    +) groups="$groups$group " ;;
    -) kept=" "
       for one in $groups; do [ "$one" = "$group" ] || kept="$kept$one "; done
       groups="$kept" ;;
  esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done`;

let guard: Writable | null = null;

/** From now on the process group dies with us. */
export function watchGroup(group: number): void {
  guard ??= startGuard();
  guard.write(`+ ${group}\n`);
}

/** The group is gone; its number may belong to a stranger from now on. */
export function forgetGroup(group: number): void {
  guard?.write(`- ${group}\n`);
}

/** Signals every process of a group; false when none is left. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function startGuard(): Writable {
  // In a session of its own: Ctrl-C in a terminal must not reach it before it has done its work.
  const shell = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.unref();
  (shell.stdin as Writable & { unref(): void }).unref();
  return shell.stdin;
}
