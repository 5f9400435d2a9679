import { Writable } from 'node:stream';
import headless from '@xterm/headless';
import { describe, expect, test } from 'vitest';
import { liveOn } from '../../cli/live.ts';

const { Terminal } = headless;

/** A real terminal without a window, and the stream that a program writes to it. */
function terminal(columns: number, rows: number) {
  const screen = new Terminal({ cols: columns, rows, scrollback: 1_000, allowProposedApi: true, convertEol: true });
  const stream = new Writable({ write: (chunk: Buffer, _, done) => screen.write(chunk, done) });
  const out = Object.assign(stream, { columns, rows, isTTY: true }) as unknown as NodeJS.WriteStream;
  /** Everything that stands on it, what was scrolled away included. */
  const text = async (): Promise<string> => {
    await new Promise<void>((resolve) => screen.write('', resolve));
    const { active } = screen.buffer;
    const lines = Array.from({ length: active.length }, (_, index) => active.getLine(index)?.translateToString(true));
    return lines.join('\n').trimEnd();
  };
  return { out, text };
}

const numbered = (count: number, word = 'line') =>
  Array.from({ length: count }, (_, index) => `${word} ${String(index + 1)}`).join('\n');

describe('a live picture', () => {
  test('is whole after it has become longer in the middle, and shorter again', async () => {
    const { out, text } = terminal(80, 24);
    const live = liveOn(out);
    for (const picture of ['head\nbody\ntail', 'head\nmore\nand more\nbody\ntail', 'head\ntail']) {
      live.show(picture);
      expect(await text()).toBe(picture);
    }
  });

  test('that is too long keeps its top, and never scrolls', async () => {
    const { out, text } = terminal(80, 24);
    const live = liveOn(out);
    for (const word of ['line', 'other', 'third']) live.show(numbered(40, word));
    const shown = (await text()).split('\n');
    expect(shown).toHaveLength(23);
    expect(shown[0]).toBe('third 1');
    expect(shown.at(-1)).toBe('… 18 more lines: a taller window shows them');
  });

  test('that is too wide is cut, and takes one row for each of its lines', async () => {
    const { out, text } = terminal(20, 24);
    const live = liveOn(out);
    live.show(`${'wide '.repeat(30)}\nnarrow`);
    live.show(`${'wide '.repeat(31)}\nnarrow`);
    expect(await text()).toBe('wide wide wide wide…\nnarrow');
  });

  test('stays below the lines that stay', async () => {
    const { out, text } = terminal(80, 24);
    const live = liveOn(out);
    live.say('first');
    live.show('head\nbody');
    live.say('second');
    live.show('head\nbody\ntail');
    expect(await text()).toBe('first\nsecond\nhead\nbody\ntail');
  });

  test('is left whole at the end, once', async () => {
    const { out, text } = terminal(80, 10);
    const live = liveOn(out);
    live.show(numbered(15));
    live.done();
    live.done();
    expect(await text()).toBe(numbered(15));
  });
});
