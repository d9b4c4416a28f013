import type { RunTracer } from '../durable-agents/index.js';
import type { Logger } from '../functions/logger.js';
import { RunSpanIds } from './run-span-ids.js';
import { createRunTracer } from './run-tracer.js';
import type { ExporterOptions, RunningSdk } from './start-sdk.js';
import type { TelemetrySettings } from './telemetry-settings.js';

/** Sends traces and metrics of runs to the sinks of the settings. */
export class Telemetry {
  readonly tracer: RunTracer;
  readonly #settings: TelemetrySettings;
  readonly #log: Logger;
  readonly #ids = new RunSpanIds();
  #sdk: RunningSdk | undefined;

  constructor(settings: TelemetrySettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
    this.tracer = createRunTracer({ capturesContent: settings.capturesContent, ids: this.#ids });
  }

  /** Loads and registers the SDK. Await it before the first run. */
  async start(exporterOptions?: ExporterOptions): Promise<void> {
    const { startSdk } = await import('./start-sdk.js');
    this.#sdk = await startSdk(this.#settings, this.#ids, this.#log, exporterOptions);
  }

  /** Flushes pending data for at most 4 seconds. */
  async stop(): Promise<void> {
    await this.#sdk?.stop();
  }
}
