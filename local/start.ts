import path from 'node:path';
import { inspect } from 'node:util';
import { LaunchError } from './launch-error.js';
import { helpText, parseLaunchOptions } from './launch-options.js';
import { launch } from './launch.js';
import { createPrinter } from './printer.js';
import { describeReadyApp } from './ready-message.js';
import { Shutdown } from './shutdown.js';

const printer = createPrinter();
const shutdown = new Shutdown();
/** Under npm one Ctrl-C arrives twice, from the terminal and from npm: only a later one is a second one. */
const sameCtrlCMs = 700;
let stoppingSince: number | undefined;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stoppingSince === undefined) {
      stoppingSince = performance.now();
      printer.line('Ending what was started; press Ctrl-C again to leave at once.');
      void stop(0);
    } else if (performance.now() - stoppingSince > sameCtrlCMs) {
      process.exit(1);
    }
  });
}

process.on('exit', () => printer.flush());

void main();

async function main(): Promise<void> {
  try {
    const options = parseLaunchOptions(process.argv.slice(2));
    if (options.help) {
      printer.line(helpText);
      return;
    }
    const packageFolder = path.resolve(__dirname, '..', '..');
    const app = await launch(options, { packageFolder, environment: process.env, printer, shutdown });
    if (stoppingSince !== undefined) return;
    printer.line(`\n${describeReadyApp(app)}\n`);
    throw new LaunchError(`The Functions host ${await app.ended}.`);
  } catch (error) {
    // What fails because everything is being ended is no news.
    if (stoppingSince !== undefined) return;
    printer.error(describeFailure(error));
    await stop(error instanceof LaunchError ? error.exitCode : 1);
  }
}

async function stop(exitCode: number): Promise<void> {
  try {
    await shutdown.close();
    process.exit(exitCode);
  } catch (error) {
    printer.error(describeFailure(error));
    process.exit(1);
  }
}

/** Errors that tell the user what to do are shown by their message, others whole. */
function describeFailure(error: unknown): string {
  if (error instanceof LaunchError || (error instanceof Error && error.name === 'SettingsError')) return error.message;
  return inspect(error);
}
