import { runCommand } from '../run-command.js';
import { runSmokeTest } from './run-smoke-test.js';
import { parseSmokeOptions, smokeHelpText } from './smoke-options.js';

void runCommand(async ({ printer, stopped }) => {
  const options = parseSmokeOptions(process.argv.slice(2), process.env);
  if (options.help) {
    printer.line(smokeHelpText);
    return;
  }
  await runSmokeTest({ ...options, signal: stopped, report: (line) => printer.line(line) });
});
