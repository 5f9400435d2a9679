/** Who stands behind a Service: the pods that are ready for its requests, as the data plane sees them. */

import type { Call } from './api.ts';
import { listAt, numberAt, objectsAt, textAt, at } from './json.ts';
import { resources } from './refs.ts';
import type { Site } from './site.ts';

export interface Endpoints {
  /** Pods that take new requests. */
  readonly ready: number;
  /** `host:port` of one of them; `null` when there is none. */
  readonly address: string | null;
}

export async function endpointsOf(site: Site, service: string, call: Call): Promise<Endpoints> {
  const selector = `kubernetes.io/service-name=${service}`;
  const slices = await site.api.list(resources.slices, site.plan.namespace, selector, call);
  const addresses = slices.flatMap((slice) => {
    const port = numberAt(objectsAt(slice, 'ports')[0], 'port');
    return objectsAt(slice, 'endpoints')
      .filter((endpoint) => at(endpoint, 'conditions', 'ready') !== false)
      .flatMap((endpoint) => listAt(endpoint, 'addresses'))
      .filter((address) => typeof address === 'string')
      .map((address) => {
        const host = textAt(slice, 'addressType') === 'IPv6' ? `[${address}]` : address;
        return port === null ? host : `${host}:${port}`;
      });
  });
  // A pod of two slices is one pod.
  const [first] = addresses;
  return { ready: new Set(addresses).size, address: first ?? null };
}
