/** One release of the demo service as a real process: `--port --app --release --digest [--request-log FILE] [--faults JSON]`. */

import { parseArgs } from 'node:util';
import { serveUntilTerminated } from '../servers/serve.ts';
import { serviceApp } from './app.ts';
import { desk } from './desk.ts';
import { faultsSchema, faultSwitch } from './faults.ts';
import { serviceMetrics } from './metrics.ts';
import { requestLog } from './request-log.ts';
import { socketUpgrades } from './sockets.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    app: { type: 'string' },
    release: { type: 'string' },
    digest: { type: 'string' },
    'request-log': { type: 'string' },
    faults: { type: 'string', default: '{}' },
  },
});

const { port, app, release, digest } = values;
if (port === undefined || app === undefined || release === undefined || digest === undefined) {
  process.stderr.write(
    'usage: --port PORT --app NAME --release LABEL --digest sha256:… [--request-log FILE] [--faults JSON]\n',
  );
  process.exit(2);
}

const faults = faultsSchema.parse(JSON.parse(values.faults));
if (faults.exits) process.exit(3);

const log = requestLog(values['request-log'] ?? null);
const helpDesk = desk();
const service = serviceApp({
  app,
  release,
  digest,
  faults: faultSwitch(faults),
  metrics: serviceMetrics(app, release),
  log,
  desk: helpDesk,
});
const upgrade = socketUpgrades({ release, mayConnect: helpDesk.mayConnect, log });
await serveUntilTerminated(service, Number(port), upgrade);
