/** A connection that waits for a slow server as the SDK's does, and not for one whose port refuses. */

import { Connection, isGrpcServiceError } from '@temporalio/client';

/** Rejects at once with gRPC's own error when nobody listens at any of the server's addresses. */
export class ToldConnection extends Connection {
  protected override async untilReady(deadline: number): Promise<void> {
    if ((await this.#firstTry(deadline)) === channelState.transientFailure) await this.#tellRefusal(deadline);
    await super.untilReady(deadline);
  }

  /** The state of the channel once the server has answered or could not be reached. */
  async #firstTry(deadline: number): Promise<number> {
    const channel = this.client.getChannel();
    for (;;) {
      const state = channel.getConnectivityState(true);
      if (isDecided(state)) return state;
      await new Promise<void>((resolve, reject) => {
        channel.watchConnectivityState(state, deadline, (late) => (late === undefined ? resolve() : reject(late)));
      });
    }
  }

  /** A call on a channel that has failed fails at once, with the reason that the channel keeps to itself. */
  async #tellRefusal(deadline: number): Promise<void> {
    const failure = await new Promise<unknown>((resolve) => {
      const nothing = () => Buffer.alloc(0);
      this.client.makeUnaryRequest(anyCall, nothing, nothing, null, { deadline }, resolve);
    });
    if (isRefusal(failure)) throw failure;
  }
}

/** gRPC tells it in words only. */
export function isRefusal(error: unknown): error is Error {
  return isGrpcServiceError(error) && error.details.includes('ECONNREFUSED');
}

/** `ConnectivityState` of gRPC. */
const channelState = { ready: 2, transientFailure: 3 } as const;

function isDecided(state: number): boolean {
  return state === channelState.ready || state === channelState.transientFailure;
}

const anyCall = '/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo';
