import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { payloadConverter } from '../../workflows/payload-converter.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const payload = (encoding: string | null, data: string): Payload => ({
  metadata: encoding === null ? {} : { encoding: bytes(encoding) },
  data: bytes(data),
});

describe('the payload converter', () => {
  it('writes and reads what the default one does', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(payloadConverter.toPayload(value)).toEqual(defaultPayloadConverter.toPayload(value));
        expect(payloadConverter.fromPayload(payloadConverter.toPayload(value))).toEqual(
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
    expect(payloadConverter.fromPayload(payloadConverter.toPayload(undefined))).toBeUndefined();
  });

  it.each([
    ['JSON that is cut off', payload('json/plain', '{oops')],
    ['an unknown encoding', payload('binary/encrypted', 'x')],
    ['an encoding that needs a schema', payload('binary/protobuf', 'x')],
    ['no encoding', payload(null, 'x')],
    ['no metadata', { data: bytes('x') }],
    ['nothing at all', {}],
    ['an endless name of an encoding', payload('x'.repeat(1_000_000), 'x')],
  ])('makes a short marker of %s, instead of failing the workflow task for ever', (_, broken) => {
    const marker = payloadConverter.fromPayload<{ __undecodable: string }>(broken);
    expect(Object.keys(marker)).toEqual(['__undecodable']);
    expect(marker.__undecodable.length).toBeGreaterThan(0);
    expect(marker.__undecodable.length).toBeLessThanOrEqual(200);
  });
});
