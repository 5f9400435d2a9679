/** JSON Schemas of the four files, for editors; generated from the same schemas that read the files. */

import * as z from 'zod';
import { directoryFile } from './directory.ts';
import { rememberedFor, wordsOf } from './expectations.ts';
import { rolloutFile } from './rollout.ts';
import { workerFile } from './worker-config.ts';
import { worldFile } from './world.ts';

const files = {
  'sluice.schema.json': { schema: rolloutFile, title: 'Sluice rollout' },
  'worker.schema.json': { schema: workerFile, title: 'Sluice worker configuration' },
  'directory.schema.json': { schema: directoryFile, title: 'Sluice directory' },
  'world.schema.json': { schema: worldFile, title: 'Sluice simulated world' },
} as const;

/** File name in `schema/` → its text. Draft 7, which editors understand best. */
export function jsonSchemas(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(files).map(([name, { schema, title }]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, {
        target: 'draft-7',
        io: 'input',
        override: ({ zodSchema, jsonSchema }) => {
          const description = hoverText(zodSchema);
          if (description !== null) jsonSchema.description ??= description;
        },
      });
      return [name, `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`];
    }),
  );
}

/** What editors show for a field without a description of its own. */
function hoverText(schema: z.core.$ZodType): string | null {
  const expectation = rememberedFor(schema);
  return expectation === undefined ? null : wordsOf(expectation);
}
