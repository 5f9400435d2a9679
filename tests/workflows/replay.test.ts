import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildWorkflowBundle } from '../../worker/bundle.ts';
import { createMetrics } from '../../worker/metrics.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const recorded = here('./histories');
const files = readdirSync(recorded, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));

interface History {
  events: { eventType: string; activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[];
}

const { sinks } = createMetrics({ now: () => 0, states: () => Promise.resolve(new Map()) });
let code = '';

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  code = await buildWorkflowBundle();
});

const read = (file: string) => JSON.parse(readFileSync(join(recorded, file), 'utf8')) as History;

function replay(history: History): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle: { code }, sinks }, history, 'rollout/demo/x');
}

describe('recorded histories', () => {
  it('are there for every outcome of the demo', () => {
    const scenarios = files.map((file) => file.replace(/^.*[/\\]/, ''));
    expect(scenarios).toEqual(expect.arrayContaining(['good.json', 'bad.json', 'rejected.json', 'crash.json']));
  });

  it.each(files)('%s replays with the workflow of today', async (file) => {
    await replay(read(file));
  });

  it('do not replay when an activity has another name', async () => {
    const history = read(files[0] ?? '');
    const scheduled = history.events.find((event) => event.activityTaskScheduledEventAttributes !== undefined);
    if (scheduled?.activityTaskScheduledEventAttributes === undefined) throw new Error('no activity in the history');
    scheduled.activityTaskScheduledEventAttributes.activityType.name = 'another';
    await expect(replay(history)).rejects.toThrow(/does not match/);
  });
});
