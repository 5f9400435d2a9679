/** What is being rolled out, and what it replaces: a digest identifies, a label is what people and metrics say. */

export interface Release {
  /** Content digest, `sha256:` and 64 hex digits. Identity; everything else is text. */
  readonly digest: string;
  /** Short name, e.g. `v7.3.1`; the value of the track label in metrics. */
  readonly label: string;
  /** Image repository without tag or digest, e.g. `registry.example/web`. */
  readonly image: string;
}

/** How a release is named in a sentence: label and the first 12 digits of the digest. */
export function nameOf(release: Release): string {
  return `${release.label} (${shortDigest(release.digest)})`;
}

/** `sha256:` and the first 12 hex digits: enough for a person to compare. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}
