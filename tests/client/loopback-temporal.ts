/** A Temporal server of three calls on loopback: gRPC as it stands on the wire, answers as a test wants them. */

import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import proto from '@temporalio/proto';

/** A gRPC status that is no success, or what the worker answers. */
export type QueryAnswer =
  | { readonly code: number; readonly message: string }
  | { readonly json: unknown }
  /** Never answers. */
  | 'silence';

const { temporal } = proto;
const service = '/temporal.api.workflowservice.v1.WorkflowService/';

/** `query` is asked once for each try. `lastPollAt`: epoch ms. */
export async function loopbackTemporal(query: () => QueryAnswer, lastPollAt: number) {
  const { GetSystemInfoResponse, DescribeTaskQueueResponse, QueryWorkflowResponse } = temporal.api.workflowservice.v1;
  const lastAccessTime = { seconds: Math.floor(lastPollAt / 1_000) as unknown as Long, nanos: 0 };
  const server = http2.createServer();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined); // a caller that gave up
    stream.resume();
    const answer = (message: Uint8Array) => send(stream, { status: 0, message });
    switch (String(headers[':path']).replace(service, '')) {
      case 'GetSystemInfo':
        return answer(GetSystemInfoResponse.encode({}).finish());
      case 'DescribeTaskQueue':
        return answer(DescribeTaskQueueResponse.encode({ pollers: [{ identity: 'w', lastAccessTime }] }).finish());
      case 'QueryWorkflow': {
        const said = query();
        if (said === 'silence') return;
        if ('code' in said) return send(stream, { status: said.code, details: said.message });
        const data = new TextEncoder().encode(JSON.stringify(said.json));
        const payload = { metadata: { encoding: new TextEncoder().encode('json/plain') }, data };
        return answer(QueryWorkflowResponse.encode({ queryResult: { payloads: [payload] } }).finish());
      }
      default:
        return send(stream, { status: 12, details: 'not here' });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { address: `127.0.0.1:${String(port)}`, stop };
}

type Long = NonNullable<NonNullable<proto.google.protobuf.ITimestamp['seconds']>>;
type Sent = { readonly status: number; readonly message?: Uint8Array; readonly details?: string };

/** One message in its five-byte frame, then the trailers. */
function send(stream: http2.ServerHttp2Stream, { status, message, details = '' }: Sent): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => {
    stream.sendTrailers({ 'grpc-status': String(status), 'grpc-message': encodeURIComponent(details) });
  });
  if (message === undefined) {
    stream.end();
    return;
  }
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([frame, message]));
}
