/** How this target words what preflight found. */

import type { PreflightFinding } from '../../ports.ts';

export function problem(code: string, message: string): PreflightFinding {
  return { level: 'problem', code: `caddy.${code}`, message };
}

export function warning(code: string, message: string): PreflightFinding {
  return { level: 'warning', code: `caddy.${code}`, message };
}
