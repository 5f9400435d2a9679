// Only workflows, so that it can be killed while an activity goes on elsewhere. Arguments: address, bundle.
import process from 'node:process';
import { NativeConnection, Worker } from '@temporalio/worker';

const [, , address, codePath] = process.argv;
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({ connection, taskQueue: 'workflows', workflowBundle: { codePath } });
await worker.run();
