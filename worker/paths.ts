/** Where the built files stand, seen from the compiled worker and from its sources alike. */

import { fileURLToPath } from 'node:url';

const built = import.meta.url.endsWith('.ts') ? '../dist/' : '../';

function inBuild(file: string): string {
  return fileURLToPath(new URL(`${built}${file}`, import.meta.url));
}

/** Loaded by every worker process without a version; made by `npm run build`. */
export const bundlePath = inBuild('workflow-bundle.js');

/** The same for workers with a version. */
export const versionedBundlePath = inBuild('workflow-bundle-versioned.js');

/** Compiled, because the SDK loads it with `require`. */
export const payloadConverterPath = inBuild('workflows/payload-converter.js');
