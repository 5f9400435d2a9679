import { describe, expect, it } from 'vitest';
import type { LogLevel } from '../../spec/worker-config.ts';
import { createLog, sdkLogger } from '../../worker/logger.ts';

function logged(level: LogLevel = 'info') {
  const written: string[] = [];
  const redact = (line: string): string => line.replaceAll('hunter2000', '***');
  const log = createLog({ level, redact, to: { write: (line: string) => void written.push(line) } });
  return { log, sdk: sdkLogger(log), lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('log lines', () => {
  it('are JSON with time, level in words and message', () => {
    const { log, lines } = logged();
    log.info({ taskQueue: 'sluice' }, 'the worker polls');
    expect(lines()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
        pid: process.pid,
        taskQueue: 'sluice',
        msg: 'the worker polls',
      },
    ]);
  });

  it('of workflows and activities carry the rollout', () => {
    const { sdk, lines } = logged();
    sdk.warn('Activity failed', {
      workflowId: 'rollout/production/web',
      runId: 'r1',
      activityType: 'shift',
      attempt: 2,
      sdkComponent: 'activity',
      namespace: 'default',
      taskToken: 'AAAA',
      error: new TypeError('boom'),
    });
    expect(lines()).toEqual([
      expect.objectContaining({
        level: 'warn',
        rollout: 'rollout/production/web',
        run: 'r1',
        activity: 'shift',
        attempt: 2,
        component: 'activity',
        err: expect.objectContaining({ type: 'TypeError', message: 'boom' }) as object,
        msg: 'Activity failed',
      }),
    ]);
    expect(lines()[0]).not.toHaveProperty('taskToken');
  });

  it('of the native side carry it too', () => {
    const { sdk, lines } = logged();
    sdk.log('ERROR', 'Failing workflow task', { sdkComponent: 'core', workflow_id: 'rollout/test/api' });
    expect(lines()).toEqual([expect.objectContaining({ level: 'error', rollout: 'rollout/test/api' })]);
  });

  it('never show a secret, wherever in the line it stands', () => {
    const { sdk, lines } = logged();
    sdk.error('token hunter2000', { error: new Error('GET /?token=hunter2000'), detail: { deep: ['hunter2000'] } });
    expect(JSON.stringify(lines())).not.toContain('hunter2000');
    expect(lines()[0]).toMatchObject({ msg: 'token ***', detail: { deep: ['***'] } });
  });

  it('below the level are left out, and so are remarks about how the workers divide the work', () => {
    const { sdk, lines } = logged();
    sdk.debug('not now');
    sdk.warn('No workflows registered, not polling for workflow tasks');
    sdk.info('No Nexus services registered, not polling for Nexus tasks');
    expect(lines()).toEqual([]);
  });
});
