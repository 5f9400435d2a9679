/** References to images: `registry.example/web:v7@sha256:…` taken apart and put together. */

import type { Release } from '../../../plan/release.ts';

export interface ImageParts {
  readonly name: string;
  readonly tag: string | null;
  readonly digest: string | null;
}

export function partsOf(image: string): ImageParts {
  const [named = '', digest] = image.split('@');
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const [name, tag] = colon < 0 ? [named, null] : [named.slice(0, colon), named.slice(colon + 1)];
  const isDigest = digest !== undefined && /^sha256:[0-9a-f]{64}$/.test(digest);
  return { name, tag, digest: isDigest ? digest : null };
}

export function imageOf({ image, digest }: Release): string {
  return `${image}@${digest}`;
}
