import type { ReceivedEvent, TelemetryEvent } from './telemetry-event.js';

/** Restores request messages: streams and `request_message=once` pages carry it only on a run's first event. */
export class RequestMessages {
  readonly #messages = new Map<string, string>();

  /** Changes the event itself, because copies of long threads take time. */
  restore(event: ReceivedEvent): TelemetryEvent {
    const { correlation_id: correlationId } = event;
    const message = event.request_message ?? this.#messages.get(correlationId) ?? '';
    this.#messages.set(correlationId, message);
    return Object.assign(event, { request_message: message });
  }
}
