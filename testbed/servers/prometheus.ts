/** A real Prometheus that scrapes a fixed list of loopback targets, or what a file lists inside a network, and may have alerting rules. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Network } from '../kubernetes/network.ts';
import { waitFor } from '../wait.ts';
import { ask, isUp } from './http.ts';
import { locate } from './locate.ts';
import { freePort } from './ports.ts';
import { type Lives, startLives, startProcess } from './process.ts';

export interface ScrapeTarget {
  readonly job: string;
  /** `127.0.0.1:port`; scraped at `/metrics`. */
  readonly address: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** An alerting rule as Prometheus' own files write it. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface PrometheusOptions {
  readonly folder: string;
  readonly targets: readonly ScrapeTarget[];
  /** A file that lists more targets, read again when it changes. */
  readonly targetsFile?: string;
  /** It runs inside, and is asked through a door. @default on our own loopback */
  readonly network?: Network;
  /** Evaluated as often as targets are scraped. @default none */
  readonly rules?: readonly AlertRule[];
  /** Scrape interval, whole milliseconds. @default 1_000 */
  readonly scrapeEveryMs?: number;
  /** @default a free port */
  readonly port?: number;
}

/** `restart`: on the same port, with the samples it had. */
export interface Prometheus extends Lives {
  readonly url: string;
}

export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const binary = await locate('prometheus');
  const port = options.port ?? (await freePort());
  const door = await options.network?.door({ host: '127.0.0.1', port });
  const url = `http://127.0.0.1:${door ?? port}`;
  const configFile = join(options.folder, 'prometheus.yaml');
  mkdirSync(options.folder, { recursive: true });
  writeFileSync(configFile, configOf(options));
  writeFileSync(join(options.folder, rulesFile), rulesOf(options));
  const args = [
    `--config.file=${configFile}`,
    `--storage.tsdb.path=${join(options.folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--scrape.discovery-reload-interval=100ms', // the default of 5 s delays the first sample by 6 s
    '--log.level=warn',
  ];
  const ready = () => isUp(`${url}/-/ready`);
  const run = options.network?.inside(binary, args) ?? { command: binary, args };
  const start = () => startProcess({ name: 'prometheus', ...run, folder: options.folder, ready });
  const lives = await startLives(start);
  return {
    url,
    ...lives,
  };
}

/** Waits until an instant query returns at least one series: "ready" comes before the first sample. */
export async function awaitSamples(url: string, query: string, withinMs = 20_000): Promise<void> {
  const question = `${url}/api/v1/query?query=${encodeURIComponent(query)}`;
  await waitFor(
    async () => {
      const answer = JSON.parse((await ask(question)).body) as {
        data?: { result: readonly unknown[] };
        error?: string;
      };
      if (answer.error !== undefined) throw new Error(`${query}: ${answer.error}`);
      return (answer.data?.result.length ?? 0) > 0;
    },
    { for: `samples of ${query}`, withinMs, everyMs: 100 },
  );
}

/** Beside the configuration, which names it. */
const rulesFile = 'rules.yaml';

function rulesOf({ rules = [] }: PrometheusOptions): string {
  return stringify({ groups: rules.length === 0 ? [] : [{ name: 'rules', rules }] });
}

function configOf(options: PrometheusOptions): string {
  const every = `${options.scrapeEveryMs ?? 1_000}ms`;
  const jobs = [...new Set(options.targets.map((target) => target.job))];
  const listed =
    options.targetsFile === undefined
      ? []
      : [{ job_name: 'listed', file_sd_configs: [{ files: [options.targetsFile] }] }];
  return stringify({
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    rule_files: [rulesFile],
    scrape_configs: [
      ...jobs.map((job) => ({
        job_name: job,
        static_configs: options.targets
          .filter((target) => target.job === job)
          .map((target) => ({ targets: [target.address], labels: target.labels ?? {} })),
      })),
      ...listed,
    ],
  });
}
