import { ReadableStream } from 'node:stream/web';
import { type EventsWithRuns, eventToJson } from './event-json.js';

/** About as much does an event say beside its own and its run's message. */
const COMMON_CHARS = 300;
const MAX_WHOLE_CHARS = 1024 * 1024;
const PIECE_CHARS = 64 * 1024;

/**
 * The events of a page as a JSON array in UTF-8. A long one is made while it is sent: each event repeats its run's
 * message, so that an array may be a thousand times as long as all that is kept of it.
 */
export function eventArrayBody(page: EventsWithRuns): Uint8Array | ReadableStream<Uint8Array> {
  const pieces = arrayPieces(page);
  return charsOf(page) > MAX_WHOLE_CHARS ? ReadableStream.from(pieces) : Buffer.concat([...pieces]);
}

/** Pieces of many events: one string of all would be copied several times more, within the heap. */
function* arrayPieces(page: EventsWithRuns): Generator<Uint8Array> {
  const toJson = eventToJson(page);
  let piece = '[';
  for (const [index, event] of page.events.entries()) {
    piece += index === 0 ? toJson(event) : `,${toJson(event)}`;
    if (piece.length < PIECE_CHARS) continue;
    yield Buffer.from(piece);
    piece = '';
  }
  yield Buffer.from(`${piece}]`);
}

/** About how long the array is. */
function charsOf({ events, runs }: EventsWithRuns): number {
  const messageChars = (correlationId: string): number => runs.get(correlationId)?.requestMessage.length ?? 0;
  return events.reduce(
    (sum, { correlationId, fields }) => sum + COMMON_CHARS + fields.length + messageChars(correlationId),
    0,
  );
}
