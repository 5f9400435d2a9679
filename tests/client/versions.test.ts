import proto from '@temporalio/proto';
import { describe, expect, it } from 'vitest';
import { idleBecause, pinnedVersion, routingOf } from '../../client/versions.ts';

const { VersioningBehavior } = proto.temporal.api.enums.v1;

const version = (build: string) => ({ deployment: 'sluice', build });
const wire = (buildId: string) => ({ deploymentName: 'sluice', buildId });
const nobody = routingOf(null);
const run = 'temporal worker deployment set-current-version --deployment-name sluice --build-id';

describe('workers that poll', () => {
  it('without a version are given what begins, as long as none is current', () => {
    expect(idleBecause([null, null], nobody, 'default')).toBe(null);
    expect(idleBecause([version('a'), null], nobody, 'default')).toBe(null);
  });

  it('with a version are given nothing before one is current', () => {
    expect(idleBecause([version('a'), version('a')], nobody, 'default')).toBe(
      `no worker version is current yet, so Temporal gives nothing to build a of "sluice"; run: ${run} a`,
    );
    expect(idleBecause([version('a')], nobody, 'rollouts')).toMatch(/--build-id a --namespace rollouts$/);
  });

  it('of the current version are given what begins, and so are those that it is ramped up to', () => {
    const current = routingOf({ currentDeploymentVersion: wire('a') });
    expect(idleBecause([version('a'), version('b')], current, 'default')).toBe(null);
    const ramping = routingOf({ rampingDeploymentVersion: wire('b'), rampingVersionPercentage: 5 });
    expect(idleBecause([version('b')], ramping, 'default')).toBe(null);
    const notYet = routingOf({ rampingDeploymentVersion: wire('b'), rampingVersionPercentage: 0 });
    expect(idleBecause([version('b')], notYet, 'default')).not.toBe(null);
  });

  it('of other versions than the current one are named, with the command that gives it to them', () => {
    const current = routingOf({ currentDeploymentVersion: wire('gone') });
    expect(idleBecause([version('a'), null], current, 'default')).toBe(
      `build gone of "sluice" is current and none of its workers polls, only build a of "sluice", workers without a version; run: ${run} a`,
    );
    expect(idleBecause([], current, 'default')).toBe(null);
  });
});

describe('a run', () => {
  const pinned = {
    behavior: VersioningBehavior.VERSIONING_BEHAVIOR_PINNED,
    deploymentVersion: wire('a'),
  };

  it('is pinned where its workflow says so, and its version is known', () => {
    expect(pinnedVersion(pinned)).toEqual(version('a'));
    const behavior = VersioningBehavior.VERSIONING_BEHAVIOR_AUTO_UPGRADE;
    expect(pinnedVersion({ ...pinned, behavior })).toBe(null);
    expect(pinnedVersion(null)).toBe(null);
  });

  it('is where somebody has put it, whatever its workflow says', () => {
    expect(pinnedVersion({ ...pinned, versioningOverride: { autoUpgrade: true } })).toBe(null);
    expect(pinnedVersion({ versioningOverride: { pinned: { version: wire('b') } } })).toEqual(version('b'));
  });
});
