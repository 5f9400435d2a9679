import { isWorkflowFunctionWithOptions } from '@temporalio/common';
import { expect, it } from 'vitest';
import * as plain from '../../workflows/index.ts';
import * as versioned from '../../workflows/versioned.ts';

it('workers with a version serve the same workflows as those without', () => {
  expect(versioned).toEqual(plain);
});

it('only rollouts may be pinned: what takes back, looks or keeps goes on on the current build', () => {
  const behaviours = Object.entries(versioned).map(([name, workflow]) => {
    return [name, isWorkflowFunctionWithOptions(workflow) ? workflow.workflowDefinitionOptions : null];
  });
  const current = { versioningBehavior: 'AUTO_UPGRADE' };
  const others = { archive: current, guardian: current, inspect: current, revert: current };
  expect(Object.fromEntries(behaviours)).toEqual({ ...others, rollout: null });
});
