import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** Receives what a stream sends besides events. */
export interface StreamListener {
  /** Called for any bytes, including heartbeats. */
  readonly onHeard: () => void;
  /** Called with the reconnection time that the app sends. */
  readonly onRetry: (retryMs: number) => void;
}

/**
 * Reads server-sent events from a response. Drops an incomplete event: it is sent again after a reconnect.
 */
export async function* readEventStream(
  response: Response,
  listener: StreamListener,
): AsyncGenerator<EventSourceMessage> {
  if (response.body === null) return;
  const { onHeard, onRetry } = listener;
  let messages: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => messages.push(message), onRetry });
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    onHeard();
    parser.feed(decoder.decode(chunk, { stream: true }));
    const complete = messages;
    messages = [];
    yield* complete;
  }
}
