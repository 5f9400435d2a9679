/** The registry of the testbed: one file per image digest, which says what the release is called and how it behaves; a digest without one cannot be pulled. */

import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** As `testbed/containers/app` reads it. */
export interface Behaviour {
  /** Share of requests answered with 500. @default 0 */
  readonly errorRate?: number;
  /** Added to each answer. @default 0 */
  readonly latencyMs?: number;
  /** Errors and latency come from a feature that this environment variable turns off with `false`. */
  readonly feature?: string;
  /** What `/healthz` answers. @default 200 */
  readonly health?: number;
  /** What `/healthz` of processes that start from then on answers for ever; those that run already go on as they were. */
  readonly newHealth?: number;
  /** Every process of it ends at once with this code when it is not 0. @default 0 */
  readonly exit?: number;
}

export interface Image extends Behaviour {
  readonly app: string;
  readonly label: string;
  /** `sha256:…` */
  readonly digest: string;
  /** Without tag and digest. */
  readonly repository: string;
  /** Tags that lead here, beside the digest. */
  readonly tags?: readonly string[];
  /** How long a node takes to pull it. @default 0 */
  readonly pullMs?: number;
}

export interface Images {
  /** Makes an image pullable, or changes how all its pods behave from their next request on. */
  push(image: Image): void;
  /** Changes behaviour alone; throws for an image that nobody pushed. */
  change(digest: string, behaviour: Behaviour): void;
  /** What a reference of a pod leads to. */
  resolve(reference: string): Image | null;
  /** The file that the release's process follows. */
  file(digest: string): string;
}

export function imagesIn(folder: string): Images {
  mkdirSync(folder, { recursive: true });
  const file = (digest: string) => join(folder, `${digest.replace(':', '-')}.json`);
  const push = (image: Image) => {
    // Whole or not at all: processes read it while it is written.
    const unfinished = `${file(image.digest)}.${process.pid}.tmp`;
    writeFileSync(unfinished, JSON.stringify(image));
    renameSync(unfinished, file(image.digest));
  };
  const read = (name: string) => JSON.parse(readFileSync(name, 'utf8')) as Image;
  const all = () =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => read(join(folder, name)));
  const found = (digest: string) => all().find((image) => image.digest === digest) ?? null;
  return {
    push,
    change: (digest, behaviour) => {
      const image = found(digest);
      if (image === null) throw new Error(`nobody pushed ${digest}`);
      push({ ...image, ...behaviour });
    },
    resolve: (reference) => {
      const [name = '', digest] = reference.split('@');
      if (digest !== undefined) return found(digest);
      const colon = name.lastIndexOf(':');
      const [repository, tag] =
        colon > name.lastIndexOf('/') ? [name.slice(0, colon), name.slice(colon + 1)] : [name, 'latest'];
      return all().find((image) => image.repository === repository && image.tags?.includes(tag) === true) ?? null;
    },
    file,
  };
}
