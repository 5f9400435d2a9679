/** `npm run schema`: writes the JSON Schemas into `schema/` of the package it is run in. */

import { mkdir, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { jsonSchemas } from './json-schema.ts';

const folder = resolve('schema');
await mkdir(folder, { recursive: true });
for (const [name, text] of Object.entries(jsonSchemas())) await writeFile(resolve(folder, name), text);
