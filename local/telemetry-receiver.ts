import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { runCommand } from './run-command.js';
import { parseReceiverOptions, receiverHelpText } from './telemetry/receiver-options.js';
import { receiveTraces } from './telemetry/receive-traces.js';
import { drawTracePicture } from './telemetry/trace-picture.js';
import { toTraceRows } from './telemetry/trace-rows.js';
import { drawTraceText } from './telemetry/trace-text.js';
import { terminalLine } from './watch/terminal-text.js';

void runCommand(async ({ printer, shutdown, stopped }) => {
  const options = parseReceiverOptions(process.argv.slice(2));
  if (options.help) {
    printer.line(receiverHelpText);
    return;
  }
  const receiver = await receiveTraces({
    port: options.port,
    onRun: (run, trace) => {
      const rows = toTraceRows(trace);
      const thread = terminalLine(String(run.attributes['gen_ai.conversation.id'] ?? ''));
      printer.line(printer.paint('bold', `\nTrace ${terminalLine(run.traceId)} (thread ${thread})`));
      for (const line of drawTraceText(rows)) printer.line(line);
      if (options.svg !== undefined) writeFileSync(options.svg, drawTracePicture(rows));
    },
  });
  await shutdown.add(() => receiver.close());
  printer.line(`Receiving OTLP at ${receiver.endpoint}. Press Ctrl-C to stop. In another terminal:\n`);
  printer.line(`  OTEL_EXPORTER_OTLP_ENDPOINT=${receiver.endpoint} npm start`);
  if (!stopped.aborted) await once(stopped, 'abort');
});
