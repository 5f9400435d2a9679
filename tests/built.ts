/** Before the first test that runs compiled code: `dist/` is built from the present sources. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inProject } from '../testbed/root.ts';
import buildConfig from '../tsconfig.build.json' with { type: 'json' };

/** What a build writes last, every time; the compiler leaves what would not change. */
const lastWritten = inProject('dist', 'workflow-bundle-versioned.js');

export default function setUp(): void {
  const built = existsSync(lastWritten) ? statSync(lastWritten).mtimeMs : 0;
  for (const source of buildConfig.include.flatMap(sourcesIn)) {
    const there = existsSync(inProject('dist', source.replace(/\.ts$/, '.js')));
    if (!there) throw new Error(`dist/ has no ${source}: run \`npm run build\` (or \`make build\`) first`);
    if (built < statSync(inProject(source)).mtimeMs) {
      throw new Error(`${source} has changed since dist/ was built: run \`npm run build\` (or \`make build\`) first`);
    }
  }
}

/** TypeScript files of a room, relative to the project. */
function sourcesIn(room: string): string[] {
  const folder = inProject(room);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')).map((name) => join(room, name));
}
