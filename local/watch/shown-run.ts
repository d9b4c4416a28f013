import type { FinalEvent, TelemetryEvent } from './telemetry-event.js';

/** The part of a run that was shown so far. */
export class ShownRun {
  readonly correlationId: string;
  /** Joined `text` updates after the last tool call. */
  text = '';
  #updates = 0;
  readonly #firstEventAtMs: number;
  /** Undefined if neither the app nor the caller knows it. */
  readonly #startedAtMs: number | undefined;

  /** @param sentAtMs - when the message was sent, used if the app reports no start */
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

  /** Returns the time to an event from the start of the run, or from its first update if the start is unknown. */
  tookUntil({ timestamp }: TelemetryEvent): string {
    return seconds(Date.parse(timestamp) - (this.#startedAtMs ?? this.#firstEventAtMs));
  }

  /** Returns lines with times and tokens. */
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
