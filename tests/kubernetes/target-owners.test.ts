import { describe, expect, it } from 'vitest';
import { toZero } from '../../activities/to-zero.ts';
import { createClock } from '../../providers/clock.ts';
import type { Image } from '../../testbed/kubernetes/images.ts';
import { deployment, httpRoute, referenceTo, rolledOut, startWorkload } from '../../testbed/kubernetes/workload.ts';
import type { KubernetesTargetPlan } from '../../plan/target.ts';
import { waitFor } from '../../testbed/wait.ts';
import { answers, ownNamespace, sharedPlane } from './cluster.ts';
import {
  canaryOf,
  codeOf,
  deploymentPath,
  imageAt,
  live,
  orders,
  planFor,
  releaseOf,
  routePath,
  sharesOf,
  shift,
  targetFor,
} from './on-cluster.ts';

const plane = sharedPlane();
const { api } = plane;
const clock = createClock();
const namespaces = Object.fromEntries(
  ['given', 'early', 'stranger', 'tuned', 'back', 'argo', 'flux'].map((what) => [
    what,
    ownNamespace(plane, `owned-${what}`),
  ]),
);

async function world(what: string, more: Partial<KubernetesTargetPlan>) {
  const namespace = namespaces[what] ?? '';
  const workload = await startWorkload(plane, namespace, 'web', { labels: { release: 'v1' } });
  const canary = canaryOf(plane, workload);
  const target = targetFor(plane, planFor(workload, more));
  const { next, same } = orders(namespace, releaseOf(workload.stable), releaseOf(canary));
  const { host } = workload;
  return {
    namespace,
    workload,
    canary,
    target,
    next,
    same,
    host,
    /** What a tool does that applies a commit. */
    merged: async (image: Image) => {
      const labels = { release: image.label };
      await api.apply(deployment({ namespace, name: 'web', image: referenceTo(image), labels }));
      await rolledOut(api, namespace, 'web', 60_000);
    },
    zero: () => toZero({ clock, target }, { order: next(), mayBeGone: false }, new AbortController().signal),
    annotations: async () =>
      (await api.read<{ metadata: { annotations: object } }>(deploymentPath(namespace, 'web'))).metadata.annotations,
  };
}

const byGit = { promotion: 'gitops' as const };

describe.concurrent('a Deployment that Git gives its release', () => {
  it('is waited for at promotion, and never written to', async () => {
    const { namespace, workload, canary, target, next, host, merged, annotations } = await world('given', byGit);
    await target.deploy(next());
    await shift(target, next, 10_000);
    const promoted = target.promote(next());
    await waitFor(async () => (await target.read()).restorable === true, {
      for: 'promotion to begin',
      withinMs: 60_000,
    });
    expect(await answers(plane, host, 20)).toEqual({ v2: 20 });
    expect(await imageAt(plane, namespace, 'web')).toBe(referenceTo(workload.stable));
    await merged(canary);
    await promoted;
    expect(await answers(plane, host, 40)).toEqual({ v2: 40 });
    const reading = await target.read();
    expect(reading).toMatchObject({
      claim: { stage: { kind: 'promoted' } },
      shares: [{ digest: canary.digest, bp: 10_000 }],
    });
    expect(reading).not.toHaveProperty('stableChanged');
    await target.retire(next(), releaseOf(workload.stable));
    expect(await imageAt(plane, namespace, 'web-canary')).toBeNull();
    expect(Object.keys(await annotations())).not.toContain('sluice/claim');
  });

  it('and that was given it too early is a changed stable, from which there is a way back beside it', async () => {
    const { namespace, workload, canary, target, next, host, merged, zero } = await world('early', byGit);
    await target.deploy(next());
    await shift(target, next, 2_500);
    expect(await target.read()).not.toHaveProperty('stableChanged');
    await merged(canary);
    expect((await target.read()).stableChanged).toMatch(
      /^stable's Deployment was changed by somebody else: web has v2 .*, not v1 /,
    );
    const order = next();
    expect(await codeOf(target.setWeights(order, sharesOf(order, 2_600), { kind: 'step', index: 1 }))).toBe('missing');
    expect(await zero()).toMatchObject({ kind: 'zero', fromBp: 10_000 });
    expect(await answers(plane, host, 60)).toEqual({ v1: 60 });
    // The rest is for a person, who reverts the commit.
    expect(await codeOf(target.restore(next()))).toBe('conflict');
    expect(await imageAt(plane, namespace, 'web')).toBe(referenceTo(canary));
    await merged(workload.stable);
    await target.restore(next());
    await target.retire(next(), releaseOf(canary));
    expect(await answers(plane, host, 40)).toEqual({ v1: 40 });
    expect(await imageAt(plane, namespace, 'web-canary')).toBeNull();
  });

  it('goes back after it was promoted, and waits for a person to revert the commit', async () => {
    const { workload, canary, target, next, host, merged, zero } = await world('back', byGit);
    await target.deploy(next());
    await shift(target, next, 10_000);
    const promoted = target.promote(next());
    await merged(canary);
    await promoted;
    expect(await zero()).toMatchObject({ kind: 'zero', fromBp: 10_000 });
    expect(await answers(plane, host, 40)).toEqual({ v1: 40 });
    expect(await codeOf(target.restore(next()))).toBe('conflict');
    await merged(workload.stable);
    await target.restore(next());
    await target.retire(next(), releaseOf(canary));
    expect(await answers(plane, host, 40)).toEqual({ v1: 40 });
  });
});

describe.concurrent('a stable that somebody else changes in mid-rollout', () => {
  it('is told, and going back overwrites nothing of it', async () => {
    const { namespace, workload, canary, target, next, host, merged, zero } = await world('stranger', {});
    await target.deploy(next());
    await live(target, await shift(target, next, 2_500), 2_500);
    const other = canaryOf(plane, workload, 'v1.1');
    await merged(other);
    expect((await target.read()).stableChanged).toContain('web has v1.1');
    expect(await zero()).toMatchObject({ kind: 'zero', fromBp: 2_500 });
    expect(await answers(plane, host, 60)).toEqual({ v1: 60 });
    expect(await codeOf(target.restore(next()))).toBe('conflict');
    expect(await imageAt(plane, namespace, 'web')).toBe(referenceTo(other));
    await merged(workload.stable);
    await target.restore(next());
    await target.retire(next(), releaseOf(canary));
    expect(await answers(plane, host, 40)).toEqual({ v1: 40 });
  });
});

describe.concurrent('a template that somebody else edits in mid-rollout', () => {
  it("is told, stable's and the canary's, and promotion leaves it alone; restarted pods and turned switches are no edit", async () => {
    const { namespace, workload, target, next } = await world('tuned', { switches: ['SMART_MODE_ENABLED'] });
    const edit = async (name: string, template: object) => {
      const type = 'application/strategic-merge-patch+json';
      const json = { spec: { template } };
      const answer = await api.ask('PATCH', deploymentPath(namespace, name), { json, type });
      expect(answer.status).toBe(200);
    };
    const container = (of: object) => ({ spec: { containers: [{ name: 'app', ...of }] } });
    const told = async () => (await target.read()).edited ?? null;
    await target.deploy(next());
    await shift(target, next, 10_000);
    for (const name of ['web', 'web-canary']) {
      await edit(name, { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } });
      await edit(name, container({ env: [{ name: 'SMART_MODE_ENABLED', value: 'false' }] }));
      expect(await told()).toBeNull();
      const limits = { memory: '64Mi' };
      await edit(name, container({ resources: { limits } }));
      expect(await told()).toBe(
        `${name === 'web' ? "stable's" : "the canary's"} Deployment was changed by somebody else: ` +
          `the template of ${name} has more than another image`,
      );
      await edit(name, container({ resources: null }));
      expect(await told()).toBeNull();
    }
    await edit('web', container({ command: ['serve'] }));
    expect(await codeOf(target.promote(next()))).toBe('fenced');
    expect(await imageAt(plane, namespace, 'web')).toBe(referenceTo(workload.stable));
  });
});

describe.concurrent('preflight, where a tool applies Git,', () => {
  const codes = async (target: ReturnType<typeof targetFor>, image: Image) =>
    (await target.preflight([100, 10_000], releaseOf(image))).map(({ code }) => code).toSorted();

  it('refuses direct promotion and a route that the tool does not leave alone', async () => {
    const { namespace, canary, target, workload } = await world('argo', {});
    const argo = { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:web' } };
    await api.merge(deploymentPath(namespace, 'web'), { metadata: argo });
    await api.merge(routePath(namespace, 'web'), { metadata: argo });
    expect(await codes(target, canary)).toEqual(['kubernetes.gitops-route', 'kubernetes.gitops-workload']);
    const git = targetFor(plane, planFor(workload, byGit));
    expect(await codes(git, canary)).toEqual(['kubernetes.gitops-route']);
    await api.merge(routePath(namespace, 'web'), { metadata: { annotations: { 'sluice/gitops': 'ignored' } } });
    expect(await codes(git, canary)).toEqual([]);
  });

  it('knows the tool by who manages the fields, too', async () => {
    const { namespace, canary, target, workload } = await world('flux', {});
    for (const [path, object] of [
      [
        deploymentPath(namespace, 'web'),
        deployment({ namespace, name: 'web', image: referenceTo(workload.stable), labels: { release: 'v1' } }),
      ],
      [routePath(namespace, 'web'), httpRoute(namespace, 'web', workload.host, { web: 1 })],
    ] as const) {
      const type = 'application/apply-patch+yaml';
      const answer = await api.ask('PATCH', `${path}?fieldManager=kustomize-controller&force=true`, {
        json: object,
        type,
      });
      expect(answer.status).toBe(200);
    }
    expect(await codes(target, canary)).toEqual(['kubernetes.gitops-route', 'kubernetes.gitops-workload']);
    await api.merge(routePath(namespace, 'web'), {
      metadata: { annotations: { 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' } },
    });
    expect(await codes(target, canary)).toEqual(['kubernetes.gitops-workload']);
  });
});
