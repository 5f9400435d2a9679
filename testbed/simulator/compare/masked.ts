/** A value without what two clocks and two dice can only agree on by luck: moments, measured times and counts, run ids. */

/** Numbers and texts that depend on when exactly something was looked at. */
const measured = new Set([
  'at',
  'since',
  'stageSince',
  'phaseSince',
  'startedAt',
  'openedAt',
  'expiresAt',
  'validMs',
  'elapsedMs',
  'lastPollAt',
  'countedTo',
  'share',
  'observedShare',
  'observedRequests',
  'canaryRequests',
  'totalRequests',
  'lastAt',
  'breachedMs',
  'polls',
  'clockTo',
  'sentence',
  'summary',
  'text',
  'evidenceDigest',
]);

/** Plain JSON in, plain JSON out. */
export function masked(value: unknown): unknown {
  if (typeof value === 'string') return inWords(value);
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, field(key, inner)]));
}

function field(key: string, value: unknown): unknown {
  if (measured.has(key) && typeof value !== 'object') return '~';
  // `null` before the first look is as much a matter of time.
  if (value === null) return measured.has(key) ? '~' : null;
  if ((key === 'run' || key === 'chain') && typeof value === 'string') return '<run>';
  // Its digest covers the moment at which it was frozen.
  if (key === 'evidence') return { revision: (value as { revision?: unknown }).revision };
  // Its last poll may have been just before or just after the write that it was stopped for.
  if (key === 'checkpoint') return masked({ ...(value as object), stage: '~', observed: '~', fence: '~' });
  // How much of a flood was read before the run was handed over.
  if (key === 'ignored') return '~';
  return masked(value);
}

function inWords(text: string): string {
  return text
    .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\brun-\d+\b/g, '<run>')
    .replaceAll(/\b1\d{12}\b|\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<moment>')
    .replaceAll(/(?<=revision \d+, )sha256:[0-9a-f]{64}/g, '<evidence>')
    .replaceAll(/\b\d+(?:\.\d+)?(?:ms|s|m|h)\b/g, '<time>');
}
