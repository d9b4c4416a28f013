import { sseFrame } from '../durable-agents/index.js';
import type { CallbackEvent } from './callback-event.js';
import type { CallbackEventPage } from './callback-event-store.js';
import { formatCursor } from './event-cursor.js';
import { eventsOf } from './read-events.js';

/** An event as it is sent to readers of a stream. */
export interface EventFrame {
  readonly event: CallbackEvent;
  readonly text: string;
  readonly byteLength: number;
}

const framesOfPages = new WeakMap<CallbackEventPage, readonly EventFrame[]>();

/**
 * The events of a page as server-sent events, each with the cursor behind it as its `id`. Readers who stand at the same
 * place of a thread get the same page from a store in memory: its frames are made once for all of them.
 */
export function eventFrames(page: CallbackEventPage): readonly EventFrame[] {
  const known = framesOfPages.get(page);
  if (known !== undefined) return known;
  const frames = eventsOf(page).map((event) => {
    const id = formatCursor({ ...page.next, sequence: event.sequence });
    const text = sseFrame({ id, event: event.event_type, data: event });
    return { event, text, byteLength: Buffer.byteLength(text) };
  });
  framesOfPages.set(page, frames);
  return frames;
}
