/** The custom resource definitions that the testbed's cluster serves, against the published files. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { customResources, withoutDescriptions } from '../kubernetes/crds.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import type { Check } from './check.ts';

/** Those of which the cluster has none are nobody's matter; of those it has, each must be the published one. */
export function checkCrds(shared: string): readonly Check[] {
  const folder = join(shared, 'crds');
  if (!existsSync(folder)) return [{ what: `no folder ${folder}`, holds: false }];
  const published = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) => parseAllDocuments(readFileSync(join(folder, name), 'utf8')))
    .map((document) => document.toJS() as (KubeObject & { readonly spec: unknown }) | null)
    .filter((object) => object !== null);
  const known = new Map(published.map((object) => [object.metadata.name, withoutDescriptions(object)]));
  return customResources().flatMap((ours) => {
    const theirs = known.get(ours.metadata.name);
    if (theirs === undefined) return [];
    return [
      { what: `${ours.metadata.name} is the published one`, holds: isDeepStrictEqual(specOf(ours), specOf(theirs)) },
    ];
  });
}

function specOf(object: KubeObject): unknown {
  return (object as KubeObject & { readonly spec?: unknown }).spec;
}
