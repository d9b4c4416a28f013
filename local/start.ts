import path from 'node:path';
import { LaunchError } from './launch-error.js';
import { helpText, parseLaunchOptions } from './launch-options.js';
import { launch } from './launch.js';
import { describeReadyApp } from './ready-message.js';
import { runCommand } from './run-command.js';

void runCommand(
  async ({ printer, shutdown, stopped }) => {
    const options = parseLaunchOptions(process.argv.slice(2));
    if (options.help) {
      printer.line(helpText);
      return;
    }
    const packageFolder = path.resolve(__dirname, '..', '..');
    const app = await launch(options, { packageFolder, environment: process.env, printer, shutdown });
    if (stopped.aborted) return;
    printer.line(`\n${describeReadyApp(app)}\n`);
    throw new LaunchError(`The Functions host ${await app.ended}.`);
  },
  { stopText: 'Stopping. Press Ctrl-C again to exit immediately.' },
);
