const levels = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'] as const;

/** Severity of a log line, in the words of `@azure/functions`. */
export type HostLogLevel = (typeof levels)[number];

/** One line of the host's or of a function's log. */
export interface HostLogEntry {
  readonly level: HostLogLevel;
  /** Who speaks: `Host`, `Host.Durable`, or `Function.NAME` and `Function.NAME.User` as in Application Insights. */
  readonly category: string;
  /** The function that was running; undefined for what the host says about itself. */
  readonly functionName?: string | undefined;
  readonly message: string;
}

/** Receives log lines in the order in which they are written. Must not throw. */
export type HostLog = (entry: HostLogEntry) => void;

/** Drops what is less severe than `minimum`, as the real host does by `logging.logLevel.default` of host.json. */
export function withMinimumLevel(log: HostLog, minimum: HostLogLevel): HostLog {
  return (entry) => {
    if (levels.indexOf(entry.level) >= levels.indexOf(minimum)) log(entry);
  };
}

/** The level of that name, whatever its case; undefined when there is none. */
export function parseLogLevel(name: string | undefined): HostLogLevel | undefined {
  return levels.find((level) => level === name?.toLowerCase());
}
