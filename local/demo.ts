import { launchDemo } from './launch-demo.js';
import { LaunchError } from './launch-error.js';
import { runCommand } from './run-command.js';
import { describeNextSteps } from './watch/demo-text.js';
import { showDemo } from './watch/show-demo.js';

const withinMs = 55_000;

void runCommand(async ({ printer, shutdown, stopped }) => {
  const [unexpected] = process.argv.slice(2);
  if (unexpected !== undefined) throw new LaunchError(`${unexpected}: npm run demo takes no options.`, { exitCode: 2 });
  const deadline = AbortSignal.timeout(withinMs);
  printer.line(printer.paint('bold', 'Durable agents with live telemetry: a demo'));
  printer.line('Starting the app on this machine with a model that gives canned answers.');
  const base = await launchDemo({ printer, shutdown });
  printer.line(`The app is running at ${base}.\n`);
  await showDemo({ base, printer, signal: AbortSignal.any([stopped, deadline]) });
  if (stopped.aborted) return;
  if (deadline.aborted) throw new LaunchError(`The demo did not finish within ${withinMs / 1000} s.`);
  printer.line(describeNextSteps(printer.paint));
});
