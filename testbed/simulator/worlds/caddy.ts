/** A scripted Caddy: its admin API as Sluice uses it, what it keeps over a restart, and what it gives users. */

import type { HttpRequest, HttpResponse } from '../../../providers/ports.ts';
import { refusalOf } from './caddy-check.ts';
import { dialsOf } from './caddy-routes.ts';
import { type Change, goJson, hashOf, indexIds, isBranch, read, Refusal, type Tree, write } from './caddy-tree.ts';
import { serve, type Serving } from './caddy-users.ts';
import { headerOf, type Host, refused, textOf, urlOf } from './host.ts';

export interface CaddyOptions {
  /** The configuration in its start file. */
  readonly file: Tree;
  /** Who listens at an upstream's address. */
  readonly behind: (dial: string) => Host | undefined;
  /** The configuration that runs has changed; called with what ran before. */
  readonly changed?: (before: Tree, now: number, by: HttpRequest | 'restart') => void;
}

export interface Caddy {
  readonly admin: Host;
  /** Where users arrive; the request's port says at which server. */
  readonly public: Host;
  readonly config: () => Tree;
  readonly isUp: () => boolean;
  /** A new start: with `resume` from what was saved last, else from the file. Takes no time. */
  restart(how: { readonly resume: boolean }, now: number): void;
  /** Nobody listens until it is started again. */
  stop(): void;
  /** What the operator's persistence hook does. */
  readonly writeFile: (config: Tree) => void;
}

/** A part of the configuration as it is answered. */
interface Text {
  readonly text: string;
  readonly hash: string;
}

interface State extends Serving {
  file: Tree;
  autosave: Tree | undefined;
  running: boolean;
  config: Tree;
  ids: Map<string, string>;
  dealt: Map<string, number>;
  /** What was read since then. */
  texts: Map<string, Text>;
}

export function createCaddy(options: CaddyOptions): Caddy {
  const state: State = {
    file: structuredClone(options.file),
    autosave: undefined,
    running: true,
    config: null,
    ids: new Map(),
    dealt: new Map(),
    texts: new Map(),
  };
  load(state, state.file);
  const announce = (before: Tree, now: number, by: HttpRequest | 'restart') => {
    if (before !== state.config) options.changed?.(before, now, by);
  };
  return {
    admin: {
      listens: () => state.running,
      answer(request, now) {
        if (!state.running) throw refused(request);
        const before = state.config;
        const answer = askAdmin(state, request);
        announce(before, now, request);
        return answer;
      },
    },
    public: {
      listens: () => state.running,
      answer(request, now) {
        if (!state.running) throw refused(request);
        return serve(state, options.behind, request, now);
      },
    },
    config: () => state.config,
    isUp: () => state.running,
    restart({ resume }, now) {
      const before = state.config;
      load(state, resume && state.autosave !== undefined ? state.autosave : state.file);
      state.running = true;
      announce(before, now, 'restart');
    },
    stop: () => void (state.running = false),
    writeFile: (config) => void (state.file = structuredClone(config)),
  };
}

/** Throws `Refusal` and keeps the old configuration. */
function load(state: State, config: Tree): void {
  const ids = indexIds(config, '/config');
  const refusal = refusalOf(config);
  if (refusal !== null) throw new Refusal(500, `loading new config: ${refusal}`);
  Object.assign(state, { config: structuredClone(config), ids, dealt: new Map(), texts: new Map() });
  const admin = isBranch(config) && isBranch(config['admin']) ? config['admin']['config'] : undefined;
  const keeps = config !== null && !(isBranch(admin) && admin['persist'] === false);
  if (keeps) state.autosave = state.config;
}

// ── The admin API ────────────────────────────────────────────────────────────────────────────────────────────────────

const changes: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'] satisfies Change[];

function askAdmin(state: State, request: HttpRequest): HttpResponse {
  try {
    checkOrigin(request);
    const path = decodeURIComponent(urlOf(request.url).pathname);
    if (path.startsWith('/id/')) return config(state, request, pathOfId(state, path));
    if (path.startsWith('/config/')) return config(state, request, path);
    if (path === '/load') return loadWhole(state, request);
    if (path === '/reverse_proxy/upstreams') return upstreams(state, request);
    return { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: '404 page not found\n' };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const body = request.method === 'HEAD' ? '' : `${goJson({ error: error.message })}\n`;
    return { status: error.status, headers: { 'content-type': 'application/json' }, body };
  }
}

/** Whatever looks like a browser must come from an allowed origin, and we are none. */
function checkOrigin(request: HttpRequest): void {
  const names = Object.keys(request.headers ?? {}).map((name) => name.toLowerCase());
  if (headerOf(request, 'sec-fetch-mode').includes('no-cors')) {
    throw new Refusal(400, 'Disabling same-origin restrictions is not allowed.');
  }
  if (!names.includes('origin') && !names.includes('sec-fetch-mode')) return;
  throw new Refusal(403, `client is not allowed to access from origin '${headerOf(request, 'origin')}'`);
}

function pathOfId(state: State, path: string): string {
  const [, , id = '', ...rest] = path.split('/');
  if (id === '') throw new Refusal(400, 'request path is missing object ID');
  const expanded = state.ids.get(id);
  if (expanded === undefined) throw new Refusal(404, `unknown object ID '${id}'`);
  return [expanded, ...rest.filter((part) => part !== '')].join('/');
}

function config(state: State, request: HttpRequest, path: string): HttpResponse {
  if (request.method === 'GET') {
    const { text, hash } = textAt(state, path);
    const headers = { 'content-type': 'application/json', etag: `"${path} ${hash}"` };
    return { status: 200, headers, body: text };
  }
  if (!changes.includes(request.method)) throw new Refusal(405, `method ${request.method} not allowed`);
  const method = request.method as Change;
  const value = method === 'DELETE' ? null : bodyOf(request);
  checkMatch(state, headerOf(request, 'if-match'));
  change(state, path, method, value);
  return { status: 200, headers: {}, body: '' };
}

function textAt(state: State, path: string): Text {
  const known = state.texts.get(path);
  if (known !== undefined) return known;
  try {
    const text = `${goJson(read({ config: state.config }, path))}\n`;
    const found = { text, hash: hashOf(text) };
    state.texts.set(path, found);
    return found;
  } catch (error) {
    throw error instanceof Refusal ? new Refusal(400, error.message) : error;
  }
}

function bodyOf(request: HttpRequest): Tree {
  const type = headerOf(request, 'content-type');
  if (!type.includes('/json')) {
    throw new Refusal(400, `unacceptable content-type: ${type}; 'application/json' required`);
  }
  return parse(textOf(request));
}

function parse(text: string): Tree {
  if (text === '') return null;
  try {
    return JSON.parse(text) as Tree;
  } catch (error) {
    throw new Refusal(500, `decoding request body: ${error instanceof Error ? error.message : 'no JSON'}`);
  }
}

/** A path that is gone is no mismatch to Caddy but an error of its own. */
function checkMatch(state: State, header: string): void {
  if (header === '') return;
  const quoted = /^"(.*)"$/s.exec(header)?.[1];
  if (quoted === undefined) throw new Refusal(400, 'malformed If-Match header; expect quoted string');
  const [path, hash, ...more] = quoted.split(/\s+/).filter((part) => part !== '');
  if (path === undefined || hash === undefined || more.length > 0) {
    throw new Refusal(400, 'malformed If-Match header; expect format "<path> <hash>"');
  }
  const text = `${goJson(read({ config: state.config }, path))}\n`;
  if (hashOf(text) !== hash) throw new Refusal(412, 'If-Match header did not match current config hash');
}

function change(state: State, path: string, method: Change, value: Tree): void {
  const root = { config: structuredClone(state.config) };
  write(root, path, method, value);
  const next: Tree = (root as { config?: Tree }).config ?? null;
  // What changes nothing restarts nothing.
  if (goJson(next) !== goJson(state.config)) load(state, next);
}

function loadWhole(state: State, request: HttpRequest): HttpResponse {
  if (request.method !== 'POST') throw new Refusal(405, 'method not allowed');
  try {
    change(state, '/config', 'POST', parse(textOf(request)));
  } catch (error) {
    throw error instanceof Refusal ? new Refusal(400, `loading config: ${error.message}`) : error;
  }
  return { status: 200, headers: {}, body: '' };
}

function upstreams(state: State, request: HttpRequest): HttpResponse {
  if (request.method !== 'GET') throw new Refusal(405, 'method not allowed');
  const dials = new Set<string>();
  const collect = (value: Tree): void => {
    if (Array.isArray(value)) for (const item of value) collect(item);
    if (!isBranch(value)) return;
    if (value['handler'] === 'reverse_proxy') for (const dial of dialsOf(value)) dials.add(dial);
    for (const item of Object.values(value)) collect(item);
  };
  collect(state.config);
  const list = [...dials].map((address) => ({ address, num_requests: 0, fails: 0 }));
  return { status: 200, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(list)}\n` };
}
