import { afterEach, describe, expect, it } from 'vitest';
import { startNetwork } from '../../testbed/kubernetes/network.ts';

const { PATH } = process.env;

afterEach(() => {
  process.env.PATH = PATH;
});

describe('a network of our own', () => {
  it('says in one sentence what this machine lacks for it', async () => {
    process.env.PATH = '/nowhere';
    await expect(startNetwork()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[Error: A Kubernetes of our own needs a network namespace, and unshare, nsenter, ip cannot be found (packages util-linux and iproute2).]`,
    );
  });
});
