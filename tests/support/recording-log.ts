import type { Logger } from '../../src/functions/logger.js';

/** A log that records its lines, each after its level. */
export interface RecordingLog extends Logger {
  readonly lines: string[];
}

export function createRecordingLog(): RecordingLog {
  const { lines, log: info, warn, error } = recordingSink();
  return { lines, info, warn, error };
}

/** The log methods of an invocation context. They record their lines, each after its level. */
export function recordingSink() {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  return { lines, log: at('info'), warn: at('warn'), error: at('error') };
}
