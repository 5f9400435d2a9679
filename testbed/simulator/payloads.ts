/** Values as payloads and back: what crosses a border is copied, as on the wire. */

import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from './sandbox.ts';

export function toPayload(value: unknown): Payload {
  return defaultPayloadConverter.toPayload(value);
}

export function fromPayload(payload: Payload | null | undefined): unknown {
  return payload === null || payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);
}
