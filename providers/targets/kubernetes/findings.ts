/** How preflight findings of this target are made: one code prefix for all. */

import type { PreflightFinding } from '../../ports.ts';

export function problem(code: string, message: string): PreflightFinding {
  return { level: 'problem', code: `kubernetes.${code}`, message };
}

export function warning(code: string, message: string): PreflightFinding {
  return { level: 'warning', code: `kubernetes.${code}`, message };
}
