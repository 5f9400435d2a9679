/** The payload converter of bundle, worker and client: what cannot be decoded becomes a marker, so that no message can stick a rollout. */

import { defaultPayloadConverter, type PayloadConverter } from '@temporalio/common';

/** Stands in for a payload that nobody could decode; handlers refuse it like any other malformed message. */
export interface Undecodable {
  /** Why, at most 200 characters. */
  readonly __undecodable: string;
}

export const payloadConverter: PayloadConverter = {
  toPayload: (value, ...rest) => defaultPayloadConverter.toPayload(value, ...rest),
  fromPayload: (payload, ...rest) => {
    try {
      return defaultPayloadConverter.fromPayload(payload, ...rest);
    } catch (error) {
      // An error here would fail the workflow task for ever: a try/catch in a handler comes after decoding.
      const why = error instanceof Error ? error.message : String(error);
      const marker: unknown = { __undecodable: why.slice(0, 200) } satisfies Undecodable;
      return marker as never;
    }
  },
};
