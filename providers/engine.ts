/** The real `Engine`: Docker's API over dockerode, each call bounded in time, with errors in our own words. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import Docker from 'dockerode';
import type { JsonValue } from '../plan/plan.ts';
import { engineFailure, pullFailure, statusOf } from './engine-failure.ts';
import { ProviderError } from './errors.ts';
import type { Engine, EngineAddress, EngineCall, RegistryLogin } from './ports.ts';

const longestLine = 64 * 1024;

/** One exchange; dockerode ends it when the signal is aborted. */
type Exchange<Answer> = (docker: Docker, abortSignal: AbortSignal) => Promise<Answer>;

/** An engine at an address. Certificates are read anew for each call, so that renewed ones are taken up. */
export function createEngine(address: EngineAddress): Engine {
  const ask = async <Answer>(doing: string, call: EngineCall, exchange: Exchange<Answer>): Promise<Answer> => {
    call.signal?.throwIfAborted();
    const late = AbortSignal.timeout(call.timeoutMs);
    const signal = call.signal === undefined ? late : AbortSignal.any([call.signal, late]);
    try {
      return await exchange(await dockerAt(address), signal);
    } catch (error) {
      call.signal?.throwIfAborted();
      const why = late.aborted ? `no complete answer within ${call.timeoutMs} ms` : error;
      throw engineFailure(`${doing} at the container engine`, why);
    }
  };
  const container = (doing: string, name: string, call: EngineCall, act: (at: Docker.Container, s: Signal) => Done) =>
    ask(doing, call, async (docker, signal) => {
      await act(docker.getContainer(name), { abortSignal: signal });
    });

  return {
    version: (call) =>
      ask('ask for the version', call, async (docker, abortSignal) => {
        const asked = docker as unknown as { version(options: Signal): Promise<Docker.DockerVersion> };
        return (await asked.version({ abortSignal })).ApiVersion;
      }),
    list: (call) =>
      ask('list the containers', call, async (docker, abortSignal) =>
        asJson(await docker.listContainers({ all: true, abortSignal })),
      ),
    inspect: (name, call) =>
      ask(`inspect ${name}`, call, (docker, abortSignal) => orNull(docker.getContainer(name).inspect({ abortSignal }))),
    image: (reference, call) =>
      ask(`inspect the image ${reference}`, call, (docker, abortSignal) =>
        orNull(docker.getImage(reference).inspect(typed({ abortSignal }))),
      ),
    pull: (reference, login, call) =>
      ask(`pull ${reference}`, call, (docker, signal) => pull(docker, reference, login, signal)),
    create: (name, body, call) =>
      ask(`create ${name}`, call, async (docker, abortSignal) => {
        // Told apart, because dockerode would write the whole body, its environment included, into the address too.
        await docker.createContainer(typed({ _query: { name }, _body: body, abortSignal }));
      }),
    connect: (name, network, aliases, call) =>
      ask(`connect ${name} to the network ${network}`, call, async (docker, abortSignal) => {
        const EndpointConfig = { Aliases: [...aliases] };
        await docker.getNetwork(network).connect(typed({ Container: name, EndpointConfig, abortSignal }));
      }),
    rename: (from, name, call) =>
      container(`rename ${from} to ${name}`, from, call, (at, signal) => at.rename({ name, ...signal })),
    start: (name, call) => container(`start ${name}`, name, call, (at, signal) => unlessSo(at.start(signal))),
    stop: (name, t, call) => container(`stop ${name}`, name, call, (at, s) => unlessSo(at.stop({ t, ...s }))),
    remove: (name, call) => container(`remove ${name}`, name, call, (at, s) => at.remove({ force: true, ...s })),
  };
}

interface Signal {
  readonly abortSignal: AbortSignal;
}
type Done = Promise<unknown>;

/** Says everything that dockerode would otherwise take from `DOCKER_HOST` and its like: the operator's file decides. */
async function dockerAt(address: EngineAddress): Promise<Docker> {
  const nothing = { host: undefined, port: undefined, socketPath: undefined, timeout: undefined };
  const unknown = { ca: undefined, cert: undefined, key: undefined, version: undefined, pathPrefix: '/' };
  const options =
    address.kind === 'socket'
      ? { socketPath: address.path, protocol: 'http' }
      : { host: address.host, port: address.port, protocol: 'https', ...(await certificatesIn(address.certificates)) };
  return new Docker({ ...nothing, ...unknown, ...options } as Docker.DockerOptions);
}

async function certificatesIn(folder: string): Promise<Record<'ca' | 'cert' | 'key', Buffer>> {
  const of = async (file: string): Promise<Buffer> => {
    try {
      return await readFile(join(folder, file));
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? 'unknown';
      throw new ProviderError({ code: 'denied', doing: `read ${file} of the engine's certificates`, detail: why });
    }
  };
  const [ca, cert, key] = await Promise.all([of('ca.pem'), of('cert.pem'), of('key.pem')]);
  return { ca, cert, key };
}

function asJson(answer: unknown): JsonValue {
  return answer as JsonValue;
}

/** The published types know fewer options than the library. */
function typed(options: Readonly<Record<string, unknown>>): object {
  return options;
}

async function orNull(asked: Promise<unknown>): Promise<JsonValue | null> {
  try {
    return asJson(await asked);
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

/** 304: it runs already, or it does not run any more. */
async function unlessSo(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (statusOf(error) !== 304) throw error;
  }
}

/** A pull answers 200 at once and tells in its progress, line by line, whether it failed. */
async function pull(
  docker: Docker,
  reference: string,
  login: RegistryLogin | null,
  abortSignal: AbortSignal,
): Promise<void> {
  const auth = login === null ? undefined : { username: login.user, password: login.password };
  const progress = await docker.createImage(auth, { fromImage: reference, abortSignal });
  const decoder = new TextDecoder();
  let rest = '';
  let failure: string | null = null;
  for await (const chunk of addAbortSignal(abortSignal, progress as unknown as Readable) as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, longestLine);
    for (const line of lines) failure = failureIn(line) ?? failure;
  }
  failure = failureIn(rest) ?? failure;
  if (failure !== null) throw pullFailure(reference, failure);
}

function failureIn(line: string): string | null {
  try {
    const said: unknown = JSON.parse(line);
    const error = typeof said === 'object' && said !== null && 'error' in said ? said.error : null;
    return typeof error === 'string' && error !== '' ? error : null;
  } catch {
    return null; // progress is for people; only what the image is afterwards counts
  }
}
