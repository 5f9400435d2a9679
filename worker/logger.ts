/** Log lines: JSON, one per event, secrets taken out, `rollout` on every line that belongs to one. */

import type { Logger as SdkLogger, LogLevel as SdkLevel, LogMetadata } from '@temporalio/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from '../spec/worker-config.ts';

export type Log = Logger;

export interface LogOptions {
  readonly level: LogLevel;
  readonly redact: (line: string) => string;
  /** @default standard output */
  readonly to?: DestinationStream;
}

export function createLog({ level, redact, to }: LogOptions): Log {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // On the finished line, so that nothing gets past it: errors and the SDK's own fields neither.
    hooks: { streamWrite: redact },
  };
  return to === undefined ? pino(options) : pino(options, to);
}

/** What the SDK, workflows and activities log, through the same door. */
export function sdkLogger(log: Log): SdkLogger {
  const write = (level: SdkLevel, message: string, meta?: LogMetadata): void => {
    const fields = fieldsOf(meta);
    switch (asMeant.test(message) ? 'DEBUG' : level) {
      case 'TRACE':
        return log.trace(fields, message);
      case 'DEBUG':
        return log.debug(fields, message);
      case 'INFO':
        return log.info(fields, message);
      case 'WARN':
        return log.warn(fields, message);
      case 'ERROR':
        return log.error(fields, message);
    }
  };
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}

/** The SDK's remarks about how our two workers divide the work. */
const asMeant = /^No (?:workflows|activities|Nexus services) registered/i;

/** Our names for what the SDK calls otherwise. */
const renamed: Readonly<Record<string, string>> = {
  workflowId: 'rollout',
  workflow_id: 'rollout',
  runId: 'run',
  run_id: 'run',
  activityType: 'activity',
  sdkComponent: 'component',
  error: 'err',
};

/** Says the same on every line of a process, or nothing to a reader. */
const dropped: ReadonlySet<string> = new Set(['namespace', 'taskToken', 'isLocal', 'activityId', 'workflowType']);

function fieldsOf(meta: LogMetadata | undefined): Readonly<Record<string, unknown>> {
  const entries = Object.entries(meta ?? {}).filter(([key]) => !dropped.has(key));
  return Object.fromEntries(entries.map(([key, value]) => [renamed[key] ?? key, value]));
}
