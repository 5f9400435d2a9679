/** The verbs of the API: one request each, bounded in time, tried again where the server itself asks for it. */

import type { JsonValue } from '../../../plan/plan.ts';
import type { Clock, Cluster, ClusterRequest, HttpResponse } from '../../ports.ts';
import { ProviderError } from '../../errors.ts';
import { isJudged, refusal, retryAfterOf } from './failure.ts';
import { isObject, type JsonObject, objectsAt } from './json.ts';
import type { PatchOp } from './patch.ts';
import { apiVersion, collectionPath, nameOfRef, objectPath, type Ref, type Resource, resources } from './refs.ts';

export interface Call {
  readonly signal?: AbortSignal | undefined;
  /** It lowers exposure. */
  readonly urgent?: boolean;
  /** Judged like any other change, and not kept. */
  readonly dryRun?: boolean;
  /** One look that decides: what was not answered is asked once more. */
  readonly patient?: boolean;
}

export interface Right {
  readonly verb: string;
  readonly resource: Pick<Resource, 'group' | 'plural'>;
  readonly subresource?: string;
  readonly name?: string;
}

/** All throw `ProviderError`. */
export interface Api {
  /** `null` when it is not there. */
  get(ref: Ref, call: Call): Promise<JsonObject | null>;
  /** Asked for its metadata only: what is in it never comes here. */
  exists(ref: Ref, call: Call): Promise<boolean>;
  /** All of them, page by page. */
  list(resource: Resource, namespace: string, selector: string | null, call: Call): Promise<readonly JsonObject[]>;
  /** The object as it is afterwards. */
  patch(ref: Ref, ops: readonly PatchOp[], call: Call): Promise<JsonObject>;
  /** Creates exactly this object; `conflict` when there is one with other contents. `manager`: another one for each effect. */
  create(ref: Ref, object: JsonObject, manager: string, call: Call): Promise<JsonObject>;
  /** This very object and no later one of its name; nothing when it is gone. */
  remove(ref: Ref, object: JsonObject, call: Call): Promise<void>;
  may(namespace: string, right: Right, call: Call): Promise<boolean>;
}

/** Who writes, in `managedFields`. */
export const fieldManager = 'sluice';

/** Objects of a busy namespace; a list of more is read page by page. */
const maxBytes = 16 * 1024 * 1024;
const pageSize = 500;
/** No server answers it with more. */
const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** Between tries, where the server does not say how long. */
const waits = [100, 400, 1_000];
const retryLostAfterMs = 100;
/** A server that has just begun may refuse what it allows a moment later: it has not read its roles yet. */
const waitsWhenDenied = [250, 500, 1_000, 2_000, 3_000];
/** A server that wants to be left alone for longer is not waited for here. */
const longestWaitMs = 2_000;

export function createApi(cluster: Cluster, clock: Clock, timeoutMs: number): Api {
  const ask = async (doing: string, request: Omit<ClusterRequest, 'timeoutMs'>, call: Call): Promise<HttpResponse> => {
    const { signal, urgent, patient } = call;
    const whole = { ...request, timeoutMs, maxBytes, ...(signal && { signal }), ...(urgent === true && { urgent }) };
    for (let tried = 0; ; tried += 1) {
      const answer = await outcome(cluster, whole);
      const again = tried === 0 && patient === true && isLost(answer, whole);
      const pause = again ? retryLostAfterMs : pauseAfter(answer, whole, tried);
      if (pause === null) return answered(answer, doing);
      await clock.sleep(pause, signal);
    }
  };
  const json = async (doing: string, request: Omit<ClusterRequest, 'timeoutMs'>, call: Call): Promise<JsonObject> =>
    objectIn(await ask(doing, request, call), doing);

  return {
    get: (ref, call) => unlessMissing(json(`read ${nameOfRef(ref)}`, { method: 'GET', path: objectPath(ref) }, call)),
    async exists(ref, call) {
      const request = { method: 'GET', path: objectPath(ref), headers: { accept: metadataOnly } };
      return (await unlessMissing(json(`look for ${nameOfRef(ref)}`, request, call))) !== null;
    },
    async list(resource, namespace, selector, call) {
      const doing = `list ${resource.plural} in ${namespace}`;
      const items: JsonObject[] = [];
      let more = '';
      do {
        const query = new URLSearchParams({ limit: String(pageSize) });
        if (selector !== null) query.set('labelSelector', selector);
        if (more !== '') query.set('continue', more);
        const path = `${collectionPath(resource, namespace)}?${query.toString()}`;
        const page = await json(doing, { method: 'GET', path }, call);
        items.push(...objectsAt(page, 'items'));
        const metadata = page['metadata'];
        more = isObject(metadata) && typeof metadata['continue'] === 'string' ? metadata['continue'] : '';
      } while (more !== '');
      return items;
    },
    patch: (ref, ops, call) =>
      json(
        `change ${nameOfRef(ref)}`,
        {
          method: 'PATCH',
          path: `${objectPath(ref)}?${changing(fieldManager, call)}`,
          headers: { 'content-type': 'application/json-patch+json' },
          body: JSON.stringify(ops),
        },
        call,
      ),
    create: (ref, object, manager, call) =>
      json(
        `create ${nameOfRef(ref)}`,
        {
          method: 'PATCH',
          path: `${objectPath(ref)}?${changing(manager, call)}`,
          headers: { 'content-type': 'application/apply-patch+yaml' },
          body: JSON.stringify({ apiVersion: apiVersion(ref), kind: ref.kind, ...object }),
        },
        call,
      ),
    async remove(ref, object, call) {
      const { uid, resourceVersion } = isObject(object['metadata']) ? object['metadata'] : {};
      const preconditions = { uid: uid ?? null, resourceVersion: resourceVersion ?? null };
      const body = JSON.stringify({
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: 'Background',
        preconditions,
      });
      const headers = { 'content-type': 'application/json' };
      try {
        await ask(`delete ${nameOfRef(ref)}`, { method: 'DELETE', path: objectPath(ref), headers, body }, call);
      } catch (error) {
        if (!(error instanceof ProviderError) || error.code !== 'missing') throw error;
      }
    },
    async may(namespace, { verb, resource, subresource, name }, call) {
      const { group, plural } = resource;
      const attributes = { namespace, verb, group, resource: plural, subresource: subresource ?? '', name: name ?? '' };
      const { reviews } = resources;
      const body = JSON.stringify({
        apiVersion: apiVersion(reviews),
        kind: reviews.kind,
        spec: { resourceAttributes: attributes },
      });
      const headers = { 'content-type': 'application/json' };
      const path = collectionPath(reviews, null);
      const ask = () => json('ask which rights we have', { method: 'POST', path, headers, body }, call);
      const answer = await ask().catch(onlyWhenLost(ask));
      const { status } = answer;
      return isObject(status) && status['allowed'] === true;
    },
  };
}

function changing(manager: string, { dryRun }: Call): string {
  return new URLSearchParams({ fieldManager: manager, ...(dryRun === true && { dryRun: 'All' }) }).toString();
}

/** What has no effect is asked again when its answer was lost. */
function onlyWhenLost<T>(again: () => Promise<T>): (error: unknown) => Promise<T> {
  return (error) => {
    if (error instanceof ProviderError && error.code === 'unreachable') return again();
    throw error;
  };
}

async function unlessMissing(asked: Promise<JsonObject>): Promise<JsonObject | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ProviderError && error.code === 'missing') return null;
    throw error;
  }
}

type Outcome = HttpResponse | ProviderError;

async function outcome(cluster: Cluster, request: ClusterRequest): Promise<Outcome> {
  try {
    return await cluster.send(request);
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
}

/** It was not answered, and had no effect. */
function isLost(outcome: Outcome, { method }: ClusterRequest): boolean {
  return method === 'GET' && outcome instanceof ProviderError && outcome.code === 'unreachable';
}

/** How long to wait before the next try; `null` when this is the end of it. What was refused had no effect; a lost reading has none either. */
function pauseAfter(outcome: Outcome, { method, urgent }: ClusterRequest, tried: number): number | null {
  if (outcome instanceof ProviderError) return null;
  // Going back is tried again by whoever asks for it, and hurries.
  if (outcome.status === 403) return urgent === true || isJudged(outcome) ? null : (waitsWhenDenied[tried] ?? null);
  const wait = waits[tried];
  if (wait === undefined) return null;
  const isTransient = outcome.status === 429 || (method === 'GET' && [500, 502, 503, 504].includes(outcome.status));
  if (!isTransient) return null;
  const pause = retryAfterOf(outcome) ?? wait;
  return pause <= longestWaitMs ? pause : null;
}

function answered(outcome: Outcome, doing: string): HttpResponse {
  if (outcome instanceof ProviderError) {
    const { code, detail } = outcome;
    throw new ProviderError({ code, doing, detail, cause: outcome });
  }
  if (outcome.status >= 200 && outcome.status <= 299) return outcome;
  throw refusal(outcome, doing);
}

/** An answer that cannot be read may be that of something in between. */
function objectIn({ body }: HttpResponse, doing: string): JsonObject {
  try {
    const value = JSON.parse(body) as JsonValue;
    if (isObject(value)) return value;
  } catch {
    // told below, without the text
  }
  throw new ProviderError({ code: 'unreachable', doing, detail: 'the answer is no object of the API' });
}
