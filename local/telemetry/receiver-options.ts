import { parseCommandLine, refuseProblems } from '../command-line.js';

/** The options of `npm run telemetry:receiver`. */
export type ReceiverOptions =
  | { readonly help: true }
  | {
      readonly help: false;
      readonly port: number;
      /** File to draw the newest trace to. If undefined, none is drawn. */
      readonly svg: string | undefined;
    };

export const receiverHelpText = `Usage: npm run telemetry:receiver -- [options]

Receives traces over OTLP on this machine, and prints each run as a tree of its spans. Start the app in another terminal:

  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 npm start

  --port NUMBER  port to listen on (default 4318; 0 for a free one)
  --svg FILE     also draw the newest trace to a file
  --help         show this`;

const optionTypes = {
  port: { type: 'string' },
  svg: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * Parses a command line without the program name.
 *
 * @throws LaunchError listing all problems
 */
export function parseReceiverOptions(commandLine: readonly string[]): ReceiverOptions {
  const { given, problems } = parseCommandLine(commandLine, optionTypes);
  if (given.has('help') && problems.length === 0) return { help: true };
  const port = given.get('port') ?? '4318';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) problems.push('--port must be a number from 0 to 65535');
  refuseProblems(problems, 'npm run telemetry:receiver');
  return { help: false, port: Number(port), svg: given.get('svg') };
}
