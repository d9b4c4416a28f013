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
/** Generous, for a very busy machine. */
const HANG_MS = 60_000;

describe('an unreachable telemetry sink', () => {
  it('delays the shutdown for less time than the host waits', () => {
    expect(STOP_TIMEOUT_MS).toBeLessThan(HOST_PATIENCE_MS);
  });

  it.each(['refuses', 'hangs'] as const)(
    'that %s does not block runs or shutdown, and causes a warning',
    async (how) => {
      const silent = createServer(() => undefined);
      const endpoint = how === 'hangs' ? await listenForTest(silent) : 'http://127.0.0.1:9';
      vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint);
      const log = createRecordingLog();
      let endedMs = 0;
      await withTelemetry({ otlpProtocol: 'http/json' }, log, async (telemetry) => {
        await tracedRun(sunny, telemetry);
        endedMs = performance.now();
      });
      expect(performance.now() - endedMs).toBeLessThan(HANG_MS);
      expect(log.lines.join('\n')).toMatch(/could not be sent|were not sent/);
    },
  );
});
