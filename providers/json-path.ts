/** JSON paths into answers, without any script or filter: answers and paths are both somebody else's text. */

import { JSONPath } from 'jsonpath-plus';
import type { JsonValue } from '../plan/plan.ts';

/** Everything a path finds. Throws for a path that cannot be evaluated. */
export function matches(path: string, json: JsonValue): readonly JsonValue[] {
  const found: unknown = JSONPath({ path, json: json as object, eval: false, wrap: true });
  return Array.isArray(found) ? (found as JsonValue[]) : [];
}
