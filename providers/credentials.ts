/** Credentials on the way out: asked for at every request, and kept out of what the other side says back. */

import type { Http, HttpRequest, HttpResponse } from './ports.ts';

/** Asked for anew at every request, so that rotated ones are taken up. */
export type Credentials =
  | { readonly kind: 'bearer'; token(): Promise<string> }
  | { readonly kind: 'basic'; readonly user: string; password(): Promise<string> };

/** Sends a request with credentials, or with none. Throws what `Http` throws. */
export async function sendAs(http: Http, credentials: Credentials | null, request: HttpRequest): Promise<HttpResponse> {
  if (credentials === null) return http.send(request);
  const { header, hidden } = await headerOf(credentials);
  const answer = await http.send({ ...request, headers: { ...request.headers, authorization: header } });
  return withoutEcho(answer, hidden);
}

async function headerOf(credentials: Credentials): Promise<{ header: string; hidden: readonly string[] }> {
  switch (credentials.kind) {
    case 'bearer': {
      const token = await credentials.token();
      return { header: `Bearer ${token}`, hidden: [token] };
    }
    case 'basic': {
      const password = await credentials.password();
      const pair = Buffer.from(`${credentials.user}:${password}`).toString('base64');
      return { header: `Basic ${pair}`, hidden: [pair, password] };
    }
  }
}

/** A proxy in between may answer an error with the request's own headers in it. */
function withoutEcho(response: HttpResponse, hidden: readonly string[]): HttpResponse {
  if (response.status === 200) return response;
  const body = hidden
    .filter((secret) => secret !== '')
    .reduce((text, secret) => text.replaceAll(secret, '***'), response.body);
  return { ...response, body };
}
