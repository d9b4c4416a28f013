import { inspect } from 'node:util';
import { LaunchError } from './launch-error.js';
import { createPrinter, type Printer } from './printer.js';
import { Shutdown } from './shutdown.js';

/** Under npm one Ctrl-C arrives twice, from the terminal and from npm. Signals this close together count as one. */
const sameCtrlCMs = 700;

/** What a command gets. */
export interface Command {
  readonly printer: Printer;
  /** Receives everything that is started. Closed when the command ends. */
  readonly shutdown: Shutdown;
  /** Aborted on Ctrl-C. */
  readonly stopped: AbortSignal;
}

export interface CommandOptions {
  /** Printed on Ctrl-C. Optional. */
  readonly stopText?: string;
}

/**
 * Runs a command, then exits the process: with 0 after success or Ctrl-C, with the exit code of a {@link LaunchError}, of
 * which only the message is shown, and with 1 for any other error, which is shown with its stack. A second Ctrl-C exits
 * immediately.
 */
export async function runCommand(
  main: (command: Command) => Promise<void>,
  { stopText }: CommandOptions = {},
): Promise<void> {
  const printer = createPrinter();
  const shutdown = new Shutdown();
  const stopping = new AbortController();
  let stoppingSince: number | undefined;

  const stop = async (exitCode: number): Promise<void> => {
    try {
      await shutdown.close();
      process.exit(exitCode);
    } catch (error) {
      printer.error(describeFailure(error));
      process.exit(1);
    }
  };
  const interrupt = (): void => {
    stoppingSince = performance.now();
    if (stopText !== undefined) printer.line(stopText);
    stopping.abort();
    void stop(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stoppingSince === undefined) interrupt();
      else if (performance.now() - stoppingSince > sameCtrlCMs) process.exit(1);
    });
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of the output, for example `head`, has closed it.
    if (error.code !== 'EPIPE') throw error;
    if (stoppingSince === undefined) interrupt();
  });
  process.on('exit', () => printer.flush());

  try {
    await main({ printer, shutdown, stopped: stopping.signal });
    if (!stopping.signal.aborted) await stop(0);
  } catch (error) {
    // Ignore errors caused by the shutdown.
    if (stopping.signal.aborted) return;
    printer.error(describeFailure(error));
    await stop(error instanceof LaunchError ? error.exitCode : 1);
  }
}

/** Returns the message of an error that the user can fix, or the stack of any other error. */
function describeFailure(error: unknown): string {
  if (error instanceof LaunchError || (error instanceof Error && error.name === 'SettingsError')) return error.message;
  return inspect(error);
}
