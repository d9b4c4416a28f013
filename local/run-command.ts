import { inspect } from 'node:util';
import { LaunchError } from './launch-error.js';
import { createPrinter, type Printer } from './printer.js';
import { Shutdown } from './shutdown.js';

/** Under npm one Ctrl-C arrives twice, from the terminal and from npm: only a later one is a second one. */
const sameCtrlCMs = 700;

/** What a command works with. */
export interface Command {
  readonly printer: Printer;
  /** Told of everything that is started; closed when the command ends, however it ends. */
  readonly shutdown: Shutdown;
  /** Aborted at Ctrl-C. */
  readonly stopped: AbortSignal;
}

export interface CommandOptions {
  /** Printed at Ctrl-C. Absent: nothing. */
  readonly stopText?: string;
}

/**
 * Runs a command in this process, and ends the process with it: with 0 after its end or Ctrl-C, with the code of a
 * {@link LaunchError}, which is shown by its message, and with 1 for any other error, which is shown whole. At a second
 * Ctrl-C it leaves without waiting.
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
    // Who reads the output, `head` for example, has seen enough.
    if (error.code !== 'EPIPE') throw error;
    if (stoppingSince === undefined) interrupt();
  });
  process.on('exit', () => printer.flush());

  try {
    await main({ printer, shutdown, stopped: stopping.signal });
    if (!stopping.signal.aborted) await stop(0);
  } catch (error) {
    // What fails because everything is being ended is no news.
    if (stopping.signal.aborted) return;
    printer.error(describeFailure(error));
    await stop(error instanceof LaunchError ? error.exitCode : 1);
  }
}

/** Errors that tell the user what to do are shown by their message, others whole. */
function describeFailure(error: unknown): string {
  if (error instanceof LaunchError || (error instanceof Error && error.name === 'SettingsError')) return error.message;
  return inspect(error);
}
