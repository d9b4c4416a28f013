import { createParser, type EventSourceMessage } from 'eventsource-parser';

/**
 * Reads server-sent events from a response, one array for each chunk of bytes. Chunks without a complete event, such as
 * heartbeats, give an empty array.
 */
export async function* readEventStream(response: Response): AsyncGenerator<readonly EventSourceMessage[], void> {
  if (response.body === null) return;
  let messages: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => messages.push(message) });
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield messages;
      messages = [];
    }
  } finally {
    // Otherwise the connection stays open after a reader stops early.
    await reader.cancel().catch(ignoreBrokenStream);
  }
}

/** Cancelling a broken stream rejects with the error that the reader has already seen. */
function ignoreBrokenStream(): void {}
