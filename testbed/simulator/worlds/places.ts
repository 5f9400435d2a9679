/** Where everything of one plan is in a simulated world. */

/** Addresses of one route, as the plan's target and metrics mean them. */
export interface Places {
  readonly admin: string;
  readonly public: string;
  /** Other origins at which users, and smoke, reach the same proxy. */
  readonly publicToo: readonly string[];
  /** `null` with `--resume`. */
  readonly persistHook: string | null;
  readonly server: string;
  readonly host: string | null;
  readonly path: string | null;
  /** Slot → `host:port`. */
  readonly slots: Readonly<Record<string, string>>;
  readonly hook: string;
  /** `null` for a plan without metrics. */
  readonly prometheus: string | null;
  readonly webhooks: readonly string[];
  /** What Sluice asks in place of the proxy and the host; `null` where it drives both itself. */
  readonly controlApi: string | null;
  /** A way to the second slot that is always there, as the operator has declared it; `null` for none. */
  readonly gateway: { readonly header: string; readonly value: string } | null;
}
