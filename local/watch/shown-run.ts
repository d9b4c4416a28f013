import type { FinalEvent, TelemetryEvent } from './telemetry-event.js';

/** A run as far as it was shown. */
export class ShownRun {
  readonly correlationId: string;
  /** Of the updates of kind `text` after the last tool call, joined. */
  text = '';
  #updates = 0;
  readonly #firstEventAtMs: number;
  /** Undefined where neither the app nor the caller knows it. */
  readonly #startedAtMs: number | undefined;

  /** @param sentAtMs - when the message was sent, where the caller knows it and the app does not tell. */
  constructor(first: TelemetryEvent, sentAtMs: number | undefined) {
    this.correlationId = first.correlation_id;
    this.#firstEventAtMs = Date.parse(first.timestamp);
    this.#startedAtMs = first.run_started_at === undefined ? sentAtMs : Date.parse(first.run_started_at);
  }

  addUpdate(kind: string, text: string): void {
    this.#updates += 1;
    if (kind === 'text') this.text += text;
    else if (kind.startsWith('tool_')) this.text = '';
  }

  /** How long it took until an event, from the start of the run where that is known, else from its first update. */
  tookUntil({ timestamp }: TelemetryEvent): string {
    return seconds(Date.parse(timestamp) - (this.#startedAtMs ?? this.#firstEventAtMs));
  }

  /** Times and tokens, on lines of their own. */
  figures(final: FinalEvent): string[] {
    const streamedMs = Date.parse(final.timestamp) - this.#firstEventAtMs;
    const { usage } = final;
    const rate =
      usage !== null && this.#updates > 1 && streamedMs > 0 ? usage.output_token_count / streamedMs : undefined;
    const times = [
      ...(this.#startedAtMs === undefined || this.#updates === 0
        ? []
        : [`first update ${seconds(this.#firstEventAtMs - this.#startedAtMs)}`]),
      `${this.#startedAtMs === undefined ? 'streamed' : 'total'} ${this.tookUntil(final)}`,
      ...(rate === undefined ? [] : [`${(rate * 1000).toFixed(1)} tokens/s`]),
      `${this.#updates} ${this.#updates === 1 ? 'update' : 'updates'}`,
    ];
    const tokens =
      usage === null
        ? 'tokens: not reported'
        : `tokens: ${usage.input_token_count} in + ${usage.output_token_count} out = ${usage.total_token_count}`;
    return [times.join(' · '), tokens];
  }
}

function seconds(durationMs: number): string {
  return `${(Math.max(0, durationMs) / 1000).toFixed(2)} s`;
}
