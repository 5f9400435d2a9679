// Two strands, as a rollout has them: a watch that goes on and on, and a story. Which of them asks first after both were
// answered depends on whether the answers came in one task or in two.
import { defineQuery, proxyActivities, setHandler } from '@temporalio/workflow';

const { watch, shift, confirm } = proxyActivities({ taskQueue: 'activities', startToCloseTimeout: '5m' });

export async function pair() {
  const seen = [];
  setHandler(defineQuery('seen'), () => seen);
  const watching = async () => {
    for (const part of ['first', 'second']) {
      await watch(part);
      seen.push(part);
    }
  };
  const once = async (name, part) => {
    await part();
    await null;
    await null;
    seen.push(name);
  };
  const story = async () => {
    await once('shift', () => shift());
    await once('confirm', () => confirm());
  };
  await Promise.all([watching(), story()]);
  return seen;
}
