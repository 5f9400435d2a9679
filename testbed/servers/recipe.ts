/** What a pinned server is made from. */

export type ServerName =
  'temporal' | 'prometheus' | 'caddy' | 'versitygw' | 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'contour';

/** How a server is found and built. */
export interface ServerRecipe {
  readonly name: ServerName;
  /** Its Go module in `tools/`. */
  readonly folder: string;
  /** Names a binary that is to be used instead of all others. */
  readonly variable: string;
  readonly module: string;
  readonly package: string;
  readonly tags: string | null;
  /** Linker flags; the version is known only when `go.mod` has been read. */
  readonly ldflags: (version: string) => string;
}
