/** The body of a smoke request as it is sent. */

import type { SmokeBody, SmokePart } from '../../plan/plan.ts';
import type { SmokeFiles } from '../ports.ts';
import { fill, fillJson, type Values } from './template.ts';

export interface Sent {
  readonly body: string | Uint8Array;
  /** `null` when the suite's own headers tell. */
  readonly contentType: string | null;
}

/** Throws `SmokeProblem` for a placeholder without a value, `ProviderError` for a file that is not there. */
export async function bodyOf(body: SmokeBody, values: Values, files: SmokeFiles): Promise<Sent> {
  switch (body.kind) {
    case 'text':
      return { body: fill(body.value, values), contentType: null };
    case 'json':
      return { body: JSON.stringify(fillJson(body.value, values)), contentType: 'application/json' };
    case 'multipart':
      return encoded(await formOf(body.parts, values, files));
  }
}

async function formOf(parts: readonly SmokePart[], values: Values, files: SmokeFiles): Promise<FormData> {
  const form = new FormData();
  for (const part of parts) {
    if (part.kind === 'field') form.append(part.name, fill(part.value, values));
    else {
      const blob = new Blob([Buffer.from(await files.read(part.file))], { type: part.contentType });
      form.append(part.name, blob, part.file.slice(part.file.lastIndexOf('/') + 1));
    }
  }
  return form;
}

/** Node knows how a form is written, boundary and all. */
async function encoded(form: FormData): Promise<Sent> {
  const written = new Response(form);
  return {
    body: new Uint8Array(await written.arrayBuffer()),
    contentType: written.headers.get('content-type'),
  };
}
