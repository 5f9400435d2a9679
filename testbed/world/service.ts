/** One service of a world: two slots behind a deploy hook, the hook behind a recorder, a stable release in slot a. */

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { FaultsInput } from '../demo-service/faults.ts';
import type { HookRelease, SlotState } from '../deploy-hook/contract.ts';
import { type Recorder, startRecorder } from '../recorder.ts';
import { inProject } from '../root.ts';
import { ask, isUp } from '../servers/http.ts';
import { freePort } from '../servers/ports.ts';
import { type RealProcess, startProcess } from '../servers/process.ts';
import { waitFor } from '../wait.ts';

export type SlotName = 'a' | 'b';

export interface ServiceOptions {
  readonly name: string;
  /** How releases behave from their first request on, by label. */
  readonly releases?: Readonly<Record<string, FaultsInput>>;
}

export interface Slot {
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly url: string;
  readonly requestLog: string;
}

export interface Service {
  readonly name: string;
  /** What the proxy matches. */
  readonly host: string;
  readonly slots: Readonly<Record<SlotName, Slot>>;
  /** In front of the hook. */
  readonly recorder: Recorder;
  readonly hook: () => RealProcess;
  /** What the hook says, asked behind the recorder's back. */
  slotStates(): Promise<Readonly<Record<string, SlotState>>>;
  /** Puts faults on a release that runs now; throws when no slot has it. */
  setFaults(label: string, faults: FaultsInput): Promise<void>;
  /** Ends the hook if it still runs and starts it again; releases go on meanwhile. */
  restartHook(): Promise<void>;
  /** Ends hook, recorder and every release. */
  stop(): Promise<void>;
}

/** A made-up digest, always the same for a service and a label. */
export function digestOf(service: string, label: string): string {
  return `sha256:${createHash('sha256').update(`${service}:${label}`).digest('hex')}`;
}

export function releaseOf(service: string, label: string): HookRelease {
  return { digest: digestOf(service, label), label, image: `registry.example/${service}` };
}

/** Returns when release `v1` serves in slot a. */
export async function startService(options: ServiceOptions, folder: string): Promise<Service> {
  const { name } = options;
  const ports = { a: await freePort(), b: await freePort(), hook: await freePort() };
  mkdirSync(folder, { recursive: true });
  const configFile = join(folder, 'hook.yaml');
  const slotPorts = { a: ports.a, b: ports.b };
  const config = { app: name, listen: ports.hook, slots: slotPorts, releases: options.releases ?? {}, folder: '.' };
  writeFileSync(configFile, stringify(config));

  const hookUrl = `http://127.0.0.1:${ports.hook}`;
  const start = () => startHook(configFile, folder, hookUrl);
  const generations = [await start()];
  const hook = () => generations.at(-1) as RealProcess;
  const recorder = await startRecorder({ upstream: hookUrl, logFile: join(folder, 'hook-calls.jsonl') });
  const slot = (at: SlotName): Slot => ({
    address: `127.0.0.1:${ports[at]}`,
    url: `http://127.0.0.1:${ports[at]}`,
    requestLog: join(folder, `${at}.requests.jsonl`),
  });
  const slots = { a: slot('a'), b: slot('b') };
  const service: Service = {
    name,
    host: `${name}.test`,
    slots,
    recorder,
    hook,
    slotStates: () => slotStates(hookUrl),
    setFaults: async (label, faults) => {
      const states = Object.entries(await slotStates(hookUrl));
      const found = states.find(([, state]) => state.release?.label === label)?.[0] as SlotName | undefined;
      if (found === undefined) throw new Error(`no slot of ${name} has release ${label}`);
      const answer = await ask(`${slots[found].url}/_control/faults`, { method: 'PUT', json: faults });
      if (answer.status !== 200) throw new Error(`faults of ${name} ${label}: ${answer.status} ${answer.body}`);
    },
    restartHook: async () => {
      await hook().stop();
      generations.push(await start());
    },
    stop: async () => {
      await recorder.stop();
      // The releases belong to the group of whichever hook started them.
      for (const generation of generations) await generation.end();
    },
  };
  await deployStable(service, hookUrl);
  return service;
}

function startHook(configFile: string, folder: string, url: string): Promise<RealProcess> {
  const args = [inProject('dist', 'testbed', 'deploy-hook', 'main.js'), configFile];
  return startProcess({ name: 'hook', command: process.execPath, args, folder, ready: () => isUp(`${url}/healthz`) });
}

async function slotStates(hookUrl: string): Promise<Readonly<Record<string, SlotState>>> {
  return (JSON.parse((await ask(`${hookUrl}/slots`)).body) as { slots: Record<string, SlotState> }).slots;
}

/** What was there before Sluice came: a release that somebody started by hand. */
async function deployStable(service: Service, hookUrl: string): Promise<void> {
  const json = { release: releaseOf(service.name, 'v1'), rollout: 'by-hand', run: 'by-hand', fence: 0 };
  const answer = await ask(`${hookUrl}/slots/a`, { method: 'PUT', json });
  if (answer.status !== 200) throw new Error(`cannot deploy v1 of ${service.name}: ${answer.status} ${answer.body}`);
  const ready = async () => (await service.slotStates()).a?.ready === true;
  await waitFor(ready, { for: `v1 of ${service.name} to serve`, withinMs: 30_000 });
}
