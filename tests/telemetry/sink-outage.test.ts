import { createServer } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { STOP_TIMEOUT_MS } from '../../src/telemetry/start-sdk.js';
import { listenForTest } from '../support/listen-for-test.js';
import { content, finishChunk } from '../support/model-chunks.js';
import { streamed } from '../support/model-server.js';
import { forgetSdk, tracedRun, withTelemetry } from '../support/received-telemetry.js';
import { createRecordingLog } from '../support/recording-log.js';

const sunny = streamed([content('Sunny.'), finishChunk()]);

afterEach(() => {
  vi.unstubAllEnvs();
  forgetSdk();
});

/** The host kills a worker that takes longer than this to stop. */
const HOST_PATIENCE_MS = 5000;
/** Less than the 30 s after which the SDK gives up by itself. Generous, for a very busy machine. */
const HANG_MS = 20_000;

describe('an unreachable telemetry sink', () => {
  it('delays the shutdown for less time than the host waits', () => {
    expect(STOP_TIMEOUT_MS).toBeLessThan(HOST_PATIENCE_MS);
  });

  it.each([
    ['refuses', /could not be sent|were not sent/],
    ['hangs', /were not sent before the app stopped/],
  ] as const)('that %s does not block runs or shutdown, and causes a warning', async (how, warning) => {
    const silent = createServer(() => undefined);
    const endpoint = how === 'hangs' ? await listenForTest(silent) : 'http://127.0.0.1:9';
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint);
    // Otherwise the exporter would give up before the limit of the shutdown.
    if (how === 'hangs') vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '120000');
    const log = createRecordingLog();
    let endedMs = 0;
    await withTelemetry({ otlpProtocol: 'http/json' }, log, async (telemetry) => {
      await tracedRun(sunny, telemetry);
      endedMs = performance.now();
    });
    expect(performance.now() - endedMs).toBeLessThan(HANG_MS);
    expect(log.lines.join('\n')).toMatch(warning);
  });
});
