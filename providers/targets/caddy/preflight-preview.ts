/** Whether the declared preview header can lead to the canary and to nothing else. */

import type { JsonValue } from '../../../plan/plan.ts';
import type { PreflightFinding } from '../../ports.ts';
import { problem } from './findings.ts';
import { isObject } from './json.ts';
import type { Site } from './site.ts';
import { isPreviewId } from './split.ts';

/** Headers that mean something already. */
const taken = new Set(['host', 'cookie', 'authorization', 'connection', 'content-length', 'content-type']);

export function previewFindings(site: Site, servers: JsonValue): PreflightFinding[] {
  const { preview } = site.plan;
  if (preview === null) return [];
  const { header, value } = preview;
  // Caddy takes `*` at either end as a wildcard and `{…}` as a placeholder.
  if (!/^[A-Za-z0-9-]{1,100}$/.test(header) || !/^[\w.:-]{1,200}$/.test(value) || taken.has(header.toLowerCase())) {
    const text = `The preview header must be a header of its own with a plain value (letters, digits, dot, colon, dash, underscore).`;
    return [problem('preview', text)];
  }
  if (!matchesHeader(servers, header.toLowerCase())) return [];
  return [
    problem(
      'preview-clash',
      `Another matcher in Caddy already looks at the preview header ${header}: choose another name.`,
    ),
  ];
}

/** Any `header` or `header_regexp` matcher outside preview routes: those of other rollouts only see their own route's requests. */
function matchesHeader(value: JsonValue, header: string): boolean {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).some((item) => matchesHeader(item, header));
  if (!isObject(value) || isPreviewId(value['@id'])) return false;
  const isMatcher = ['header', 'header_regexp'].some((key) => {
    const matcher = value[key];
    return isObject(matcher) && Object.keys(matcher).some((name) => name.toLowerCase() === header);
  });
  return isMatcher || Object.values(value).some((item) => matchesHeader(item, header));
}
