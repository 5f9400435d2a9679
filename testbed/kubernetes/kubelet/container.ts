/** The life of one container: pulled, started as a real process, probed, started again after a crash with growing patience, stopped. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Image, Images } from '../images.ts';
import type { ContainerFacts, ContainerSpec, ContainerState, Ended } from './pod.ts';
import { probe } from './probe.ts';

export interface ContainerWorld {
  readonly images: Images;
  /** Digests that this node has pulled before. */
  readonly present: Set<string>;
  /** The program that every image holds. */
  readonly app: string;
  /** Where the process listens. */
  readonly address: string;
  readonly logFile: string;
  readonly requestLog: string;
  /** Throws when the spec names what is not there. */
  readonly environment: () => Promise<Readonly<Record<string, string>>>;
  readonly backOff: BackOff;
  /** Called after every change of the facts. */
  readonly changed: () => void;
}

/** Doubled with each failure up to the most. */
export interface BackOff {
  readonly firstMs: number;
  readonly mostMs: number;
}

export interface ContainerLife {
  facts(): ContainerFacts;
  process(): { readonly pid: number; readonly image: Image } | null;
  /** SIGTERM, after the grace SIGKILL; returns when it is gone and stays gone. */
  stop(graceMs: number): Promise<void>;
}

type Changes = Partial<Omit<ContainerFacts, 'spec'>>;

export function startContainer(spec: ContainerSpec, world: ContainerWorld): ContainerLife {
  const ending = new AbortController();
  const over = () => ending.signal.aborted;
  let facts: ContainerFacts = {
    spec,
    state: { kind: 'waiting', reason: 'ContainerCreating', message: '' },
    last: null,
    restarts: 0,
    started: false,
    ready: false,
    imageId: null,
  };
  let running: { readonly child: ChildProcess; readonly image: Image } | null = null;
  const set = (changes: Changes) => {
    facts = { ...facts, ...changes };
    world.changed();
  };
  const wait = (reason: string, message: string) => set({ state: { kind: 'waiting', reason, message } });
  const pause = (ms: number) => sleep(ms, undefined, { signal: ending.signal }).catch(() => undefined);

  const live = async (): Promise<void> => {
    for (let failures = 0, crashes = 0; !over();) {
      const ready = await prepare(spec, world, wait, pause);
      if (ready === null) {
        await pause(patience(world.backOff, ++failures));
        continue;
      }
      failures = 0;
      if (over()) return;
      set({ imageId: `${ready.image.repository}@${ready.image.digest}` });
      const end = await runOnce(spec, world, ready, set, (child) => (running = child && { child, image: ready.image }));
      set({ state: end, started: false, ready: false });
      if (over()) return;
      crashes++;
      if (crashes > 1) {
        const ms = patience(world.backOff, crashes - 1);
        set({ last: end });
        wait('CrashLoopBackOff', `back-off ${ms}ms restarting failed container=${spec.name}`);
        await pause(ms);
      }
      if (!over()) set({ last: end, restarts: facts.restarts + 1 });
    }
  };
  const ended = live();

  return {
    facts: () => facts,
    process: () => (running?.child.pid === undefined ? null : { pid: running.child.pid, image: running.image }),
    stop: async (graceMs) => {
      ending.abort();
      running?.child.kill('SIGTERM');
      const late = setTimeout(() => running?.child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(late);
    },
  };
}

interface Prepared {
  readonly image: Image;
  readonly environment: Readonly<Record<string, string>>;
}

/** `null` when something is missing, which the state then says. */
async function prepare(
  spec: ContainerSpec,
  world: ContainerWorld,
  wait: (reason: string, message: string) => void,
  pause: (ms: number) => Promise<void>,
): Promise<Prepared | null> {
  const image = world.images.resolve(spec.image);
  if (image === null) {
    const message = `failed to pull and unpack image "${spec.image}": failed to resolve reference: not found`;
    wait('ErrImagePull', message);
    await pause(patience(world.backOff, 1));
    wait('ImagePullBackOff', `Back-off pulling image "${spec.image}": ErrImagePull: ${message}`);
    return null;
  }
  if (!world.present.has(image.digest)) {
    await pause(image.pullMs ?? 0);
    world.present.add(image.digest);
  }
  try {
    return { image, environment: await world.environment() };
  } catch (error) {
    wait('CreateContainerConfigError', error instanceof Error ? error.message : String(error));
    return null;
  }
}

async function runOnce(
  spec: ContainerSpec,
  world: ContainerWorld,
  { image, environment }: Prepared,
  set: (changes: Changes) => void,
  track: (child: ChildProcess | null) => void,
): Promise<Ended> {
  const since = new Date();
  const log = openSync(world.logFile, 'a');
  const child = spawn(world.app, [], {
    env: {
      PORT: String(spec.ports?.[0]?.containerPort ?? 0),
      ...environment,
      HOST: world.address,
      RELEASE_FILE: world.images.file(image.digest),
      REQUEST_LOG: world.requestLog,
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  track(child);
  const over = new AbortController();
  const ended = new Promise<Ended>((resolve) => {
    const end = (code: number, signal: number) => {
      resolve({ kind: 'ended', code, signal, reason: code === 0 ? 'Completed' : 'Error', since, at: new Date() });
    };
    child.once('error', () => end(128, 0)); // it never started
    child.once('exit', (code, signal) => {
      const number = signal === null ? 0 : constants.signals[signal];
      end(code ?? 128 + number, number);
    });
  });
  const state: ContainerState = { kind: 'running', since };
  const { startupProbe, readinessProbe, livenessProbe } = spec;
  const started = startupProbe === undefined;
  set({ state, started, ready: started && readinessProbe === undefined });
  const ask = { container: spec, address: world.address, signal: over.signal };
  const kill = () => {
    child.kill('SIGTERM');
    setTimeout(() => child.exitCode === null && child.kill('SIGKILL'), 2_000).unref();
  };
  const watch = () => {
    set({ started: true, ready: readinessProbe === undefined });
    if (readinessProbe !== undefined)
      void probe({ ...ask, spec: readinessProbe, tell: ({ ok }) => set({ ready: ok }) });
    if (livenessProbe !== undefined) void probe({ ...ask, spec: livenessProbe, tell: ({ ok }) => ok || kill() });
  };
  if (startupProbe === undefined) watch();
  else void probe({ ...ask, spec: startupProbe, tell: ({ ok }) => (ok ? watch() : kill()) });
  const end = await ended;
  over.abort();
  track(null);
  return end;
}

function patience({ firstMs, mostMs }: BackOff, failures: number): number {
  return Math.min(mostMs, firstMs * 2 ** (failures - 1));
}
