import type { ReceivedEvent, TelemetryEvent } from './telemetry-event.js';

/** Restores request messages: a stream, or an answer on request, carries the one of a run with its first event only. */
export class RequestMessages {
  readonly #messages = new Map<string, string>();

  restore(event: ReceivedEvent): TelemetryEvent {
    const { correlation_id: correlationId } = event;
    const message = event.request_message ?? this.#messages.get(correlationId) ?? '';
    this.#messages.set(correlationId, message);
    return { ...event, request_message: message };
  }
}
