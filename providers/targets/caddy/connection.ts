/** What the operator declares about one Caddy and one of its routes. */

import type { Credentials } from '../../credentials.ts';
import type { Engine } from '../../ports.ts';

export const slotNames = ['a', 'b'] as const;
export type SlotName = (typeof slotNames)[number];

/** Something for each of the two slots. */
export type BySlot<T> = Readonly<Record<SlotName, T>>;

export interface CaddyConnection {
  /** Base URL of the admin API. */
  readonly admin: string;
  /** Base URL at which the proxy answers users; preview requests go there. */
  readonly public: string;
  /** `resume`: Caddy is run with `--resume`. A hook is called after each lasting change and writes Caddy's file. */
  readonly persistence: 'resume' | { readonly hook: string };
  readonly route: CaddyRoute;
}

export interface CaddyRoute {
  /** Name of the server in Caddy's configuration; needed when several serve the same host and path. */
  readonly server?: string | undefined;
  /** Finds the route by matchers that stand in the configuration, literally. Absent: any; path `/*` means no path matcher too. */
  readonly match: { readonly host?: string | undefined; readonly path?: string | undefined };
  /** Addresses of the two slots as Caddy dials them, `host:port`. */
  readonly slots: BySlot<string>;
  /** The service has WebSockets or event streams. */
  readonly longLived: boolean;
  readonly deploy: HookDeploy | DockerDeploy;
}

export interface HookDeploy {
  readonly kind: 'hook';
  readonly url: string;
  readonly auth: Credentials | null;
}

/** The slots are containers of one engine. Nothing but these containers and repositories is ever touched, whatever a spec says. */
export interface DockerDeploy {
  readonly kind: 'docker';
  readonly engine: Engine;
  /** Names of the slots' containers; ours are called `<name>.<fence>`. */
  readonly containers: BySlot<string>;
  /** Image repositories without tag or digest. */
  readonly repositories: readonly string[];
  /** Variables that each new container gets; `{{port}}`, `{{slot}}`, `{{label}}` and `{{digest}}` are filled in. */
  readonly environment: Readonly<Record<string, string>>;
  /** Path at the slot's address that answers 2xx once a release can serve; `null`: any answer to `/` counts. */
  readonly ready: string | null;
  /** For pulling. */
  readonly registry: Extract<Credentials, { kind: 'basic' }> | null;
}

export function otherSlot(slot: SlotName): SlotName {
  return slot === 'a' ? 'b' : 'a';
}

/** The `@id` that a route of this name gets when it is adopted. */
export function routeId(route: string): string {
  return `sluice-${route}`;
}
