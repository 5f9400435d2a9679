/** The example deploy hook as its own process: `node main.js hook.yaml`. */

import { join } from 'node:path';
import { hookApp } from './app.ts';
import { readConfig } from './config.ts';
import { openHost } from './host.ts';
import { serveUntilTerminated } from '../servers/serve.ts';
import { processRunner } from './runner.ts';

const file = process.argv[2];
if (file === undefined) {
  process.stderr.write('usage: deploy-hook CONFIG\n');
  process.exit(2);
}
const config = readConfig(file);
const token = config.tokenEnv === undefined ? null : (process.env[config.tokenEnv] ?? '');
if (token === '') throw new Error(`the environment variable ${config.tokenEnv ?? ''} is empty`);

const host = await openHost(Object.keys(config.slots), join(config.folder, 'hook-state.json'), processRunner(config));
await serveUntilTerminated(hookApp({ host, token }), config.listen); // releases go on when it ends
