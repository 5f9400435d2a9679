/** Pages of docs/ as somebody follows them: the files that they name, and the commands, block by block. */

import { readFileSync } from 'node:fs';
import { inProject } from './root.ts';

export interface Page {
  /** By the name in the first line of their block, such as `# worker.yaml`. */
  readonly files: Readonly<Record<string, string>>;
  /** Blocks marked `sh`, in their order. */
  readonly commands: readonly string[];
}

export function pageOf(name: string): Page {
  const text = readFileSync(inProject('docs', name), 'utf8');
  const blocks = [...text.matchAll(/^```(?<language>\w+)\n(?<body>[^]*?)^```$/gm)].map(({ groups }) => ({
    language: groups?.['language'] ?? '',
    body: groups?.['body'] ?? '',
  }));
  const files = blocks.flatMap(({ body }) => {
    const file = /^# (?<file>[\w.-]+\.yaml)\n/.exec(body)?.groups?.['file'];
    return file === undefined ? [] : [[file, body] as const];
  });
  return {
    files: Object.fromEntries(files),
    commands: blocks.filter(({ language }) => language === 'sh').map(({ body }) => body),
  };
}
