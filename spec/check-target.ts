/** Checks of the target's form that only two keys together can tell. */

import type { Cursor } from './cursor.ts';
import type { Finding } from './issues.ts';

export function checkTarget(root: Cursor): readonly Finding[] {
  const router = root.at('target', 'router');
  if (router.at('kind').raw !== 'gateway-api') return [];
  const [http, grpc] = [router.at('httpRoute'), router.at('grpcRoute')];
  if (http.exists !== grpc.exists) return [];
  const expected = 'httpRoute or grpcRoute';
  return http.exists
    ? [{ path: grpc.path, at: 'key' as const, message: 'one route divides the traffic', expected }]
    : [{ path: router.path, message: 'no route is named', expected }];
}
