/** The cookies of one run: what answers set is sent again as a browser would. */

import { CookieJar } from 'tough-cookie';
import type { HttpRequest, HttpResponse } from '../ports.ts';

export interface Jar {
  /** The request with the cookies for its place, after those it brings itself. */
  addTo(request: HttpRequest): HttpRequest;
  keep(request: HttpRequest, response: HttpResponse): void;
  /** Values that let their holder in, to be hidden. */
  values(): readonly string[];
}

/** Shorter values are no credentials, and hiding them would spoil texts. */
const shortestCredential = 8;

export function createJar(): Jar {
  const jar = new CookieJar();
  return {
    addTo(request) {
      const kept = jar.getCookieStringSync(placeOf(request));
      if (kept === '') return request;
      const own = request.headers?.['cookie'];
      return { ...request, headers: { ...request.headers, cookie: own === undefined ? kept : `${own}; ${kept}` } };
    },
    keep(request, { setCookies = [] }) {
      // A cookie that is malformed or not for this place is left out, as a browser would.
      for (const text of setCookies) jar.setCookieSync(text, placeOf(request), { ignoreError: true });
    },
    values() {
      const { cookies = [] } = jar.serializeSync() ?? {};
      return cookies.flatMap(({ value = '' }) => (value.length >= shortestCredential ? value : []));
    },
  };
}

/** The host that is asked for, which is not always the one that is dialled. */
function placeOf({ url, headers }: HttpRequest): string {
  const place = new URL(url);
  const host = headers?.['host'];
  if (host !== undefined) place.host = host;
  return place.href;
}
