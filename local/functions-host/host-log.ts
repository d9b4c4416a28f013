const levels = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'] as const;

/** Severity of a log line, named as in `@azure/functions`. */
export type HostLogLevel = (typeof levels)[number];

/** One line of the host's or of a function's log. */
export interface HostLogEntry {
  readonly level: HostLogLevel;
  /** `Host`, `Host.Durable`, `Function.NAME` or `Function.NAME.User`, as in Application Insights. */
  readonly category: string;
  /** The running function. Undefined for messages of the host itself. */
  readonly functionName?: string | undefined;
  readonly message: string;
}

/** Receives log lines in order. Must not throw. */
export type HostLog = (entry: HostLogEntry) => void;

/** Drops lines less severe than `minimum`, like `logging.logLevel.default` of host.json. */
export function withMinimumLevel(log: HostLog, minimum: HostLogLevel): HostLog {
  return (entry) => {
    if (levels.indexOf(entry.level) >= levels.indexOf(minimum)) log(entry);
  };
}

/** Parses a level name, case-insensitively. @returns undefined if it is unknown */
export function parseLogLevel(name: string | undefined): HostLogLevel | undefined {
  return levels.find((level) => level === name?.toLowerCase());
}
