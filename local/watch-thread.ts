import { runCommand } from './run-command.js';
import { cancelRun } from './watch/cancel-run.js';
import { followThread } from './watch/follow-thread.js';
import { terminalLine } from './watch/terminal-text.js';
import { ThreadView } from './watch/thread-view.js';
import { parseWatchOptions, watchHelpText } from './watch/watch-options.js';

void runCommand(async ({ printer, shutdown, stopped }) => {
  const options = parseWatchOptions(process.argv.slice(2));
  if (options.help) {
    printer.line(watchHelpText);
    return;
  }
  if (options.cancel) {
    printer.line(await cancelRun(options, stopped));
    return;
  }
  const { agentName, base, threadId } = options;
  const view = new ThreadView({ printer, columns: () => process.stdout.columns });
  await shutdown.add(async () => view.endLine());
  let isFirst = true;
  for await (const watchEvent of followThread({ address: options, signal: stopped })) {
    if (isFirst) {
      printer.line(printer.paint('bold', terminalLine(`Thread ${threadId} of ${agentName} at ${base}`)));
      printer.line(`${printer.paint('dim', 'Answers appear here as they stream in. Press Ctrl-C to stop.')}\n`);
    }
    if (!isFirst || watchEvent.type !== 'connected') view.show(watchEvent);
    isFirst = false;
  }
});
