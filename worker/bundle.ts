/** Builds the workflow bundles once, so that workers start fast and stay small. Run by `npm run build`. */

import { realpathSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';
import { bundlePath, versionedBundlePath } from './paths.ts';

/** The code that every rollout runs in the sandbox, from the tree that this file stands in. `versioned`: for workers with a version. */
export async function buildWorkflowBundle(entry: 'index' | 'versioned' = 'index'): Promise<string> {
  const extension = path.extname(fileURLToPath(import.meta.url));
  const inWorkflows = (file: string): string =>
    fileURLToPath(new URL(`../workflows/${file}${extension}`, import.meta.url));
  const workflows = inWorkflows(entry);
  const converter = inWorkflows('payload-converter');
  const interceptors = ['ahead', 'reserved'].map(inWorkflows);
  const { code } = await bundleWorkflowCode({
    workflowsPath: workflows,
    payloadConverterPath: converter,
    workflowInterceptorModules: interceptors,
    // Loaded once per worker instead of once per rollout, which none of them keeps state of (lint).
    preloadModules: [workflows, converter, ...interceptors],
    logger: new DefaultLogger('WARN'),
  });
  return code;
}

/** Writes each in one move: a worker that starts meanwhile sees the old bundle or the new one, never half of it. */
async function writeWorkflowBundles(): Promise<void> {
  await write(bundlePath, await buildWorkflowBundle());
  await write(versionedBundlePath, await buildWorkflowBundle('versioned'));
}

async function write(file: string, code: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, code);
  await rename(draft, file);
}

// Compared by real path: a checkout behind a symbolic link would otherwise build nothing.
const started = process.argv[1];
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) await writeWorkflowBundles();
