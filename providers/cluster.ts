/** The real `Cluster`: identity and certificates from a kubeconfig or the pod's service account, connections kept per identity. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { z } from 'zod';
import { sendAs, type Credentials } from './credentials.ts';
import { ProviderError } from './errors.ts';
import { createHttp, type Certificates } from './http.ts';
import type { Clock, Cluster, ClusterAccess, ClusterRequest, Http, HttpResponse } from './ports.ts';

/** Tokens on disk and those of plugins are asked for anew after so long. */
const freshMs = 30_000;

/** Files are read and plugins run at once, so that the first request need not wait for it, and again when that is no longer fresh. */
export function createCluster(access: ClusterAccess, clock: Clock): Cluster {
  const lines = new Map<string, Lines>();
  let known: { readonly who: Promise<Identity>; readonly at: number } | null = null;

  const identity = (): Promise<Identity> => {
    if (known !== null && clock.now() - known.at < freshMs) return known.who;
    const who = identityOf(access);
    const asked = { who, at: clock.now() };
    known = asked;
    // A plugin that failed is asked again by the next request.
    who.catch(() => {
      if (known === asked) known = null;
    });
    return who;
  };
  const linesFor = ({ fingerprint, certificates }: Identity): Lines => {
    const kept = lines.get(fingerprint) ?? { ordinary: createHttp(certificates), urgent: createHttp(certificates) };
    lines.clear(); // certificates that were replaced are not used again
    lines.set(fingerprint, kept);
    return kept;
  };
  const send = async (request: ClusterRequest): Promise<HttpResponse> => {
    const who = await inTime(identity(), request, clock);
    const { path, urgent, ...rest } = request;
    const http = urgent === true ? linesFor(who).urgent : linesFor(who).ordinary;
    return sendAs(http, who.credentials, { ...rest, url: `${who.server}${path}` });
  };
  void identity().catch(() => undefined); // asked again, and told, by the first request
  return {
    async send(request) {
      const answer = await send(request);
      if (answer.status !== 401) return answer;
      known = null; // revoked or rotated before its time
      return send(request);
    },
  };
}

interface Lines {
  readonly ordinary: Http;
  readonly urgent: Http;
}

interface Identity {
  readonly server: string;
  readonly certificates: Certificates;
  readonly credentials: Credentials | null;
  /** Of the certificates. */
  readonly fingerprint: string;
}

async function identityOf(access: ClusterAccess): Promise<Identity> {
  try {
    const config = await configOf(access);
    const server = config.getCurrentCluster()?.server;
    if (server === undefined) throw new Error('it names no cluster');
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized } = options;
    const certificates: Certificates = { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized };
    const fingerprint = createHash('sha256').update(JSON.stringify(certificates)).digest('hex');
    return { server: server.replace(/\/+$/, ''), certificates, credentials: credentialsIn(options), fingerprint };
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    throw new ProviderError({
      code: 'denied',
      doing: `get credentials from ${nameOf(access)}`,
      detail: causeOf(error),
    });
  }
}

/** Loaded late: the library is large, and most workers drive no cluster. */
async function configOf(access: ClusterAccess): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (access.kind === 'in-cluster') {
    config.loadFromCluster();
    return config;
  }
  config.loadFromFile(access.path);
  if (access.context !== null) config.setCurrentContext(access.context);
  const name = config.getCurrentUser()?.name;
  const token = await tokenFromFile(access.path, name);
  if (token !== null) config.users = config.users.map((user) => (user.name === name ? { ...user, token } : user));
  return config;
}

const usersSchema = z.object({
  users: z.array(z.object({ name: z.string(), user: z.object({ tokenFile: z.string().optional() }).nullish() })),
});

/** `tokenFile` of a user, which the library does not know. */
async function tokenFromFile(kubeconfig: string, name: string | undefined): Promise<string | null> {
  const parsed = usersSchema.safeParse(parse(await readFile(kubeconfig, 'utf8')));
  const file = parsed.data?.users.find((one) => one.name === name)?.user?.tokenFile;
  if (file === undefined) return null;
  return (await readFile(resolve(dirname(kubeconfig), file), 'utf8')).trim();
}

function credentialsIn({ headers, auth }: RequestOptions): Credentials | null {
  const header = (headers as Readonly<Record<string, unknown>> | undefined)?.['Authorization'];
  const token = typeof header === 'string' ? /^Bearer (.+)$/.exec(header)?.[1] : undefined;
  if (token !== undefined) return { kind: 'bearer', token: async () => token };
  const [user, ...rest] = (auth ?? '').split(':');
  if (user === undefined || user === '') return null;
  return { kind: 'basic', user, password: async () => rest.join(':') };
}

function nameOf(access: ClusterAccess): string {
  return access.kind === 'in-cluster' ? 'the service account of this pod' : `kubeconfig ${access.path}`;
}

/** Plugins and parsers may repeat what they were given: only codes and our own words are told. */
function causeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === 'ENOENT') return 'a file that it needs is not there';
  if (typeof code === 'string') return `it failed (${code})`;
  return 'it cannot be read, names no cluster, or its plugin failed: try it with kubectl';
}

/** A plugin that hangs must not hold the caller longer than the request would. */
async function inTime<Answer>(asked: Promise<Answer>, request: ClusterRequest, clock: Clock): Promise<Answer> {
  const over = new AbortController();
  const stop = request.signal === undefined ? over.signal : AbortSignal.any([over.signal, request.signal]);
  const late = async (): Promise<never> => {
    await clock.sleep(request.timeoutMs, stop);
    const detail = `no credentials within ${request.timeoutMs} ms`;
    throw new ProviderError({ code: 'unreachable', doing: 'ask for credentials', detail });
  };
  try {
    return await Promise.race([asked, late()]);
  } finally {
    over.abort(new Error('no longer needed'));
  }
}
