import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';

/** Reads server-sent events from bytes. Omits an incomplete last event. */
export class SseEvents {
  readonly events: EventSourceMessage[] = [];
  readonly comments: string[] = [];
  retryMs: number | undefined;
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    onEvent: (event) => void this.events.push(event),
    onComment: (comment) => void this.comments.push(comment),
    onRetry: (retryMs) => {
      this.retryMs = retryMs;
    },
    onError: (error) => {
      throw error;
    },
  });

  feed(bytes: Uint8Array): void {
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The last event id, where a reader resumes after a lost connection. */
  get lastId(): string | undefined {
    return this.events.findLast(({ id }) => id !== undefined)?.id;
  }
}

export function parseSse(bytes: Uint8Array | string): SseEvents {
  const parsed = new SseEvents();
  parsed.feed(Buffer.from(bytes));
  return parsed;
}

/**
 * The callback events in these server-sent events, each with its request message, which a connection contains once per
 * run. Omits other events (`reset`, `result`).
 */
export function callbackEventsOf(events: readonly EventSourceMessage[]): CallbackEvent[] {
  const messages = new Map<string, string>();
  return events
    .filter(({ event = '' }) => ['stream', 'approval', 'final', 'failed'].includes(event))
    .map(({ data }) => {
      const { timestamp, agent_name, thread_id, correlation_id, request_message, ...rest }: CallbackEvent =
        JSON.parse(data);
      const message = request_message ?? messages.get(correlation_id);
      if (message === undefined) return JSON.parse(data);
      messages.set(correlation_id, message);
      return { timestamp, agent_name, thread_id, correlation_id, request_message: message, ...rest };
    });
}
