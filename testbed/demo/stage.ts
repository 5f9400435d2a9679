/** What the demo needs of a world, wherever releases run there: to drive it, and to see what really happened. */

import type { FaultsInput } from '../demo-service/faults.ts';
import type { Load, LoadOptions } from '../load.ts';
import type { CommandResult, Worker, WorkerOptions } from '../world/commands.ts';
import type { ProxyWrite } from '../world/observe.ts';

export type ScenarioName = 'good' | 'bad' | 'rejected' | 'crash';

export interface Stage {
  readonly temporal: { readonly address: string; readonly namespace: string; readonly uiUrl: string | null };
  readonly prometheusUrl: string;
  readonly taskQueue: string;
  /** Variables with which `sluice` and `temporal` in a shell find this world. */
  readonly env: Readonly<Record<string, string>>;
  /** Where users arrive, and how services are told apart there. */
  readonly door: string;
  /** The rollout file of a scenario. */
  file(name: ScenarioName): string;
  digest(name: ScenarioName, label: string): string;
  sluice(args: readonly string[]): Promise<CommandResult>;
  startWorker(options: WorkerOptions): Promise<Worker>;
  load(name: ScenarioName, options: Pick<LoadOptions, 'ratePerSecond' | 'maxSeconds'>): Load;
  setFaults(name: ScenarioName, label: string, faults: Pick<FaultsInput, 'errorRate'>): Promise<void>;
  /** What divides the traffic was told this, by its own record. */
  writes(name: ScenarioName): readonly ProxyWrite[];
  /** What was in force when somebody read it back. */
  reads(name: ScenarioName): readonly ProxyWrite[];
  weightsSeen(name: ScenarioName): readonly number[];
  /** What users got from a release in `[from, to)`, epoch ms, by the services' own logs. */
  users(name: ScenarioName, label: string, from?: number, to?: number): readonly Answered[];
  /** Asked now: the label of the release that is given everything, `null` when none is; and when that was read. */
  serving(name: ScenarioName): Promise<{ readonly label: string | null; readonly at: number }>;
  /** When Sluice called the target for the first time after that. */
  calledAfter(at: number): number | null;
  stop(): Promise<void>;
}

export interface Answered {
  readonly at: number;
  readonly status: number;
}
