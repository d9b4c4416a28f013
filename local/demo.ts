import path from 'node:path';
import { launch } from './launch.js';
import { LaunchError } from './launch-error.js';
import { runCommand } from './run-command.js';
import { createDemoPrinter, describeNextSteps } from './watch/demo-text.js';
import { showDemo } from './watch/show-demo.js';

const withinMs = 55_000;

void runCommand(async ({ printer, shutdown, stopped }) => {
  const [unexpected] = process.argv.slice(2);
  if (unexpected !== undefined) throw new LaunchError(`${unexpected}: npm run demo takes no options.`, { exitCode: 2 });
  const deadline = AbortSignal.timeout(withinMs);
  printer.line(printer.paint('bold', 'Durable agents with live telemetry: a demo'));
  printer.line('Starting the app on this machine with a model that gives canned answers.');
  const app = await launch(
    {
      help: false,
      port: 0,
      host: 'local',
      model: 'offline',
      keys: false,
      app: undefined,
      ephemeral: true,
      data: undefined,
    },
    {
      packageFolder: path.resolve(__dirname, '..', '..'),
      environment: process.env,
      printer: createDemoPrinter(printer),
      shutdown,
    },
  );
  const base = `http://localhost:${app.port}`;
  printer.line(`The app is running at ${base}.\n`);
  await showDemo({ base, printer, signal: AbortSignal.any([stopped, deadline]) });
  if (stopped.aborted) return;
  if (deadline.aborted) throw new LaunchError(`The demo did not finish within ${withinMs / 1000} s.`);
  printer.line(describeNextSteps(printer.paint));
});
