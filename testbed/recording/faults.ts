/** The recorder's fault switchboard: which request meets which fault, and for how long. */

export type Fault =
  /** Hold the request back before the upstream sees it, or hold the answer back. */
  | { readonly kind: 'delay'; readonly ms: number; readonly where: 'request' | 'answer' }
  /** The same until `wait` says so. */
  | { readonly kind: 'hold'; readonly wait: () => Promise<void>; readonly where: 'request' | 'answer' }
  /** Break the client's connection, before the upstream saw the request or after it acted on it. */
  | { readonly kind: 'drop'; readonly where: 'request' | 'answer' }
  /** Deliver the request to the upstream this many times more; the client gets the first answer. */
  | { readonly kind: 'repeat'; readonly times: number }
  /** The upstream acts, the client hears something else. */
  | { readonly kind: 'falsify'; readonly status?: number; readonly body?: string }
  /** Answer in place of the upstream. */
  | {
      readonly kind: 'refuse';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

export interface FaultRule {
  /** @default every method */
  readonly method?: string;
  /** Matched against path and query. @default every path */
  readonly path?: RegExp;
  /** Matched against the request's body. @default every body */
  readonly body?: RegExp;
  /** How many requests it hits. @default until it is cleared */
  readonly times?: number;
  readonly fault: Fault;
}

export interface HoldRule extends Omit<FaultRule, 'fault'> {
  /** Before the upstream sees the request, or after it has acted on it. */
  readonly where: 'request' | 'answer';
}

export interface Hold {
  /** How many calls have come to the hold. */
  count(): number;
  /** Lets them go; calls that come later pass. */
  release(): void;
}

export interface Switchboard {
  /** Adds a rule; the returned function takes it away again. */
  add(rule: FaultRule): () => void;
  clear(): void;
  /** The first rule that matches, counted as used; `null` for the undisturbed case. */
  take(request: { readonly method: string; readonly path: string; readonly body: Buffer }): Fault | null;
}

export function switchboard(): Switchboard {
  const rules = new Map<FaultRule, number>();
  return {
    add: (rule) => {
      const own = { ...rule }; // the same rule may be added twice
      rules.set(own, rule.times ?? Number.POSITIVE_INFINITY);
      return () => void rules.delete(own);
    },
    clear: () => rules.clear(),
    take: (request) => {
      for (const [rule, left] of rules) {
        if (rule.method !== undefined && rule.method !== request.method) continue;
        if (rule.path !== undefined && !rule.path.test(request.path)) continue;
        if (rule.body !== undefined && !rule.body.test(request.body.toString('utf8'))) continue;
        if (left > 1) rules.set(rule, left - 1);
        else rules.delete(rule);
        return rule.fault;
      }
      return null;
    },
  };
}

export function hold(faults: Switchboard, { where, ...rule }: HoldRule): Hold {
  let count = 0;
  let letGo = (): void => undefined;
  const released = new Promise<void>((resolve) => (letGo = resolve));
  const wait = () => {
    count += 1;
    return released;
  };
  const clear = faults.add({ ...rule, fault: { kind: 'hold', where, wait } });
  const release = () => {
    clear();
    letGo();
  };
  return { count: () => count, release };
}
