import type { Logger } from '../../src/functions/logger.js';

/** A log whose lines can be read, each behind its level. */
export interface RecordingLog extends Logger {
  readonly lines: readonly string[];
}

export function createRecordingLog(): RecordingLog {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  return { lines, info: at('info'), warn: at('warn'), error: at('error') };
}
