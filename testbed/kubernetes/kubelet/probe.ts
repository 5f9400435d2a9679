/** Probes of one container: asked as its spec says, over the pod's own address, until they are aborted. */

import { get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerSpec, ProbeSpec } from './pod.ts';

export interface Probing {
  readonly spec: ProbeSpec;
  readonly container: ContainerSpec;
  readonly address: string;
  readonly signal: AbortSignal;
  /** Called when the threshold of one side is reached and the verdict is a new one. */
  readonly tell: (verdict: { readonly ok: boolean; readonly why: string }) => void;
}

// A container of ours listens after milliseconds: the first second is looked at more closely than any period allows.
const impatience = { everyMs: 100, forMs: 1_000 };

/** Returns when it is aborted. */
export async function probe({ spec, container, address, signal, tell }: Probing): Promise<void> {
  const { periodSeconds = 10, successThreshold = 1, failureThreshold = 3, initialDelaySeconds = 0 } = spec;
  let told: boolean | null = null;
  let run = { ok: false, length: 0 };
  const over = () => signal.aborted;
  await pause(initialDelaySeconds * 1_000, signal);
  const began = Date.now();
  while (!over()) {
    const why = await failure(spec, container, address);
    if (over()) return;
    const ok = why === null;
    const early = !ok && told === null && Date.now() - began < impatience.forMs;
    if (!early) run = { ok, length: run.ok === ok ? run.length + 1 : 1 };
    if (run.length >= (ok ? successThreshold : failureThreshold) && told !== ok && !early) {
      told = ok;
      tell({ ok, why: why ?? '' });
    }
    await pause(early ? impatience.everyMs : periodSeconds * 1_000, signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined); // aborted: the loop sees it
}

/** `null` when it is well. */
async function failure(spec: ProbeSpec, container: ContainerSpec, address: string): Promise<string | null> {
  const timeout = (spec.timeoutSeconds ?? 1) * 1_000;
  if (spec.httpGet !== undefined) {
    const port = portOf(container, spec.httpGet.port);
    if (port === null) return `there is no port ${spec.httpGet.port}`;
    return askHttp(`http://${address}:${port}${spec.httpGet.path ?? '/'}`, timeout);
  }
  if (spec.tcpSocket === undefined) return 'this kubelet knows httpGet and tcpSocket only';
  const port = portOf(container, spec.tcpSocket.port);
  return port === null ? `there is no port ${spec.tcpSocket.port}` : askTcp(address, port, timeout);
}

async function askHttp(url: string, timeout: number): Promise<string | null> {
  return new Promise((resolve) => {
    const call = get(url, { agent: false, signal: AbortSignal.timeout(timeout) }, (answer) => {
      answer.resume();
      const { statusCode: code = 0 } = answer;
      resolve(code >= 200 && code < 400 ? null : `HTTP probe failed with statuscode: ${code}`);
    });
    call.once('error', (error) => resolve(error.message));
  });
}

async function askTcp(host: string, port: number, timeout: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout });
    const end = (why: string | null) => {
      socket.destroy();
      resolve(why);
    };
    socket.once('connect', () => end(null));
    socket.once('timeout', () => end('timed out'));
    socket.once('error', (error) => end(error.message));
  });
}

function portOf(container: ContainerSpec, port: number | string): number | null {
  if (typeof port === 'number') return port;
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? null;
}
