import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** What a stream said besides events. */
export interface StreamListener {
  /** Bytes came, if only those of a heartbeat. */
  readonly onHeard: () => void;
  /** How long the app wants readers to wait before they connect again. */
  readonly onRetry: (retryMs: number) => void;
}

/**
 * Reads server-sent events from an answer. An event that was cut is dropped: it comes again after its forerunner's id.
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
