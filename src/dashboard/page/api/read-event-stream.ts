import { createParser, type EventSourceMessage } from 'eventsource-parser';

/**
 * Reads server-sent events from an answer, those of one chunk of bytes at a time. Chunks without a whole event, as
 * heartbeats are, give an empty array.
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
    // Without it the connection would stay open behind a reader that stopped early.
    await reader.cancel().catch(ignoreBrokenStream);
  }
}

/** Cancelling a stream that broke rejects with what broke it, which the reader was told. */
function ignoreBrokenStream(): void {}
