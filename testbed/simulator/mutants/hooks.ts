/** Loader hooks of Node: modules asked for with `?mutant=NAME` are loaded anew, with that mutant's edits in them. */

import { edited, isOfWorker } from './mutant.ts';
import { mutants } from './mutants.ts';

interface Context {
  readonly parentURL?: string;
}
interface Resolved {
  readonly url: string;
}
interface Loaded {
  readonly format?: string;
  readonly source?: string | ArrayBuffer | Uint8Array;
}

const root = new URL('../../../', import.meta.url).href;

/** The mark goes from a module to all of ours that it imports. */
export async function resolve(
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Promise<Resolved>,
): Promise<Resolved> {
  const resolved = await next(specifier, context);
  const mark = context.parentURL === undefined ? '' : new URL(context.parentURL).search;
  const isOurs = resolved.url.startsWith(root) && !resolved.url.includes('/node_modules/');
  return mark.startsWith('?mutant=') && isOurs && !resolved.url.includes('?')
    ? { ...resolved, url: `${resolved.url}${mark}` }
    : resolved;
}

export async function load(
  url: string,
  context: unknown,
  next: (url: string, context: unknown) => Promise<Loaded>,
): Promise<Loaded> {
  const loaded = await next(url, context);
  const name = new URL(url).searchParams.get('mutant');
  const mutant = mutants.find((one) => one.name === name);
  const edits = mutant?.edits.filter((edit) => isOfWorker(edit) && url.startsWith(`${root}${edit.file}?`)) ?? [];
  if (edits.length === 0 || loaded.source === undefined) return loaded;
  const { source } = loaded;
  const code = typeof source === 'string' ? source : new TextDecoder().decode(source);
  return { ...loaded, source: edits.reduce(edited, code) };
}
