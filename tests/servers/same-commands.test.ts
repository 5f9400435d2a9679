import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { onServer } from '../../testbed/simulator/compare/real.ts';
import type { Played } from '../../testbed/simulator/compare/scenario.ts';
import { scenarios } from '../../testbed/simulator/compare/scenarios.ts';
import { simulated } from '../../testbed/simulator/compare/simulated.ts';
import { openGround } from '../../testbed/simulator/explore/ground.ts';
import { withoutGuard } from '../../testbed/simulator/still.ts';
import { startTemporal, type Temporal } from '../../testbed/servers/temporal.ts';
import { bundlePath } from '../../worker/paths.ts';
import { temporaryFolder } from '../temporary-folder.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

const folder = temporaryFolder('same-commands');
const settings = { fullAt: 200, heartbeatMs: 500 };
const virtual: Played[] = [];
const real = new Map<string, Played>();
/** On a busy machine a message may come after what it is meant to come before: such a scenario is played again, with few beside it. */
const mostTries = 4;
let temporal: Temporal;

beforeAll(async () => {
  const ground = await openGround(readFileSync(bundlePath, 'utf8'), withoutGuard());
  for (const scenario of scenarios) virtual.push(await simulated(scenario, ground, settings));
  const dynamicConfig = { 'limit.historyCount.suggestContinueAsNew': settings.fullAt };
  temporal = await startTemporal({ folder: join(folder, 'temporal'), dynamicConfig });
  const { address, namespace } = temporal;
  const { heartbeatMs } = settings;
  for (let left = scenarios, tries = 1; left.length > 0 && tries <= mostTries; tries += 1) {
    const played = await onServer(left, { address, namespace, secrets: ground.secrets, heartbeatMs });
    for (const [index, { name }] of left.entries()) real.set(name, played[index] as Played);
    left = scenarios.filter(({ name }, index) => !isDeepStrictEqual(real.get(name)?.course, virtual[index]?.course));
  }
}, 300_000);

afterAll(() => temporal.stop());

it.each(scenarios.map(({ name }, index) => ({ name, index })))(
  '$name: the simulator asks for the same things in the same order as the real server',
  ({ name, index }) => {
    expect(virtual[index]?.course).toEqual(real.get(name)?.course);
  },
);
