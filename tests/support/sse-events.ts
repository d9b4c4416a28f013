import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';

/** Reads server-sent events from bytes as they come; what follows the last whole event is not told. */
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

  /** Where a reader who has lost the connection goes on. */
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
 * The callback events that these server-sent events carry, each with its request message, which a connection carries
 * once for each run. Others (`reset`, `result`) are left out.
 */
export function callbackEventsOf(events: readonly EventSourceMessage[]): CallbackEvent[] {
  const messages = new Map<string, string>();
  return events
    .filter(({ event = '' }) => ['stream', 'final', 'failed'].includes(event))
    .map(({ data }) => {
      const { timestamp, agent_name, thread_id, correlation_id, request_message, ...rest }: CallbackEvent =
        JSON.parse(data);
      const message = request_message ?? messages.get(correlation_id);
      if (message === undefined) return JSON.parse(data);
      messages.set(correlation_id, message);
      return { timestamp, agent_name, thread_id, correlation_id, request_message: message, ...rest };
    });
}
