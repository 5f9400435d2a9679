/** What every command gets: the terminal, the global flags, and one way to print and to end. */

import type * as Client from '../client/index.ts';
import { typable } from './called.ts';
import type { Exit } from './exit-codes.ts';
import type { Io } from './io.ts';
import { mapTexts } from './render/clean.ts';
import type { Paint } from './render/paint.ts';

export interface Globals {
  readonly address?: string | undefined;
  readonly namespace?: string | undefined;
  readonly profile?: string | undefined;
  readonly taskQueue: string;
  readonly json?: true | undefined;
  readonly color: boolean;
}

export class Context {
  readonly io: Io;
  /** How the command ended; set once by `ends`. */
  exit: Exit = 'ok';
  readonly #globals: () => Globals;
  readonly #names: () => readonly string[];

  /** `names`: of all commands. */
  constructor(io: Io, globals: () => Globals, names: () => readonly string[]) {
    this.io = io;
    this.#globals = globals;
    this.#names = names;
  }

  get json(): boolean {
    return this.#globals().json === true;
  }

  /** The colours of this command, or none. */
  async paint(): Promise<Paint> {
    const { painter } = await import('./render/paint.ts');
    return painter(this.io.color && this.#globals().color && !this.json);
  }

  get connection(): Client.ConnectOptions {
    const { address, namespace, profile, taskQueue } = this.#globals();
    return { address, namespace, profile, taskQueue };
  }

  /** The value as JSON with `--json`, else the text; renderers are loaded only when they are needed. */
  async print(value: unknown, text: () => string | Promise<string>): Promise<void> {
    this.io.out(this.json ? JSON.stringify(value, null, 2) : this.typable(await text()));
  }

  /** Something by the way: on standard error, and never with `--json`. */
  note(text: string): void {
    if (!this.json) this.io.err(this.typable(text));
  }

  /** The same with its commands as they can be typed here; for people, never for `--json`. */
  typable<T>(value: T): T {
    return mapTexts(value, (text) => typable(text, this.io.command, this.#names()));
  }

  /** Wraps a command's body as commander wants it. */
  ends<Args extends readonly unknown[]>(run: (...args: Args) => Promise<Exit>): (...args: Args) => Promise<void> {
    return async (...args) => {
      this.exit = await run(...args);
    };
  }

  /** Opens the client for one command; it is loaded only here, because it takes a quarter of a second. */
  async withSession<T>(run: (session: Client.Session, client: typeof Client) => Promise<T>): Promise<T> {
    const client = await import('../client/index.ts');
    const session = await client.connect(this.connection);
    try {
      return await run(session, client);
    } finally {
      await session.close();
    }
  }
}
