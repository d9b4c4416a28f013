import { eventJsons } from './event-json.js';
import { formatCursor } from '../domain/event-cursor.js';
import type { CallbackEventPage } from '../store/callback-event-store.js';
import type { StoredEvent } from '../domain/stored-event.js';

/** An event as it is sent to readers of a stream. */
export interface EventFrame {
  readonly event: StoredEvent;
  readonly text: string;
  readonly byteLength: number;
}

const framesOfPages = new WeakMap<CallbackEventPage, readonly EventFrame[]>();

/**
 * The events of a page as server-sent events, each with the cursor behind it as its `id`. Readers who stand at the same
 * place of a thread get the same page from their store: its frames are made once for all of them.
 */
export function eventFrames(page: CallbackEventPage): readonly EventFrame[] {
  const known = framesOfPages.get(page);
  if (known !== undefined) return known;
  const jsons = eventJsons(page);
  const frames = page.events.map((event, index) => {
    const id = formatCursor({ ...page.next, sequence: event.sequence });
    // In JSON no line break stands as itself, so nothing in it can end the line or the frame.
    const text = `id: ${id}\nevent: ${event.eventType}\ndata: ${jsons[index]}\n\n`;
    return { event, text, byteLength: Buffer.byteLength(text) };
  });
  framesOfPages.set(page, frames);
  return frames;
}
