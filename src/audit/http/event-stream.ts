import { SSE_HEARTBEAT, SSE_RETRY, sseFrame } from '../../functions/sse.js';
import { eventFrames } from './event-frames.js';
import { hasMore } from './read-events.js';
import { SentAttempts } from './sent-attempts.js';
import type { CallbackEventPage } from '../store/callback-event-store.js';
import { type EventCursor, formatCursor } from '../domain/event-cursor.js';
import type { StoredEvent } from '../domain/stored-event.js';
import { type RunRecord, winningAttempt } from '../domain/run-record.js';
import { StreamPages, type StreamPagesOptions } from './stream-pages.js';
import { StreamPauses } from './stream-pauses.js';

/** What one stream may take; a reader that is cut off by it resumes without loss. */
export interface EventStreamLimits {
  readonly maxDurationMs: number;
  readonly maxBytes: number;
}

export interface EventStreamOptions extends StreamPagesOptions {
  readonly after: EventCursor;
  readonly limits: EventStreamLimits;
  /** Ends the stream with the first event that ends its run; it is still sent. Default: false. */
  readonly untilRunEnd?: boolean;
  /** Called when the stream has ended, or its reader has gone; never if nothing was read of it. Default: nobody. */
  readonly onEnd?: () => void;
}

/**
 * Follows a thread as server-sent events: `id` is the cursor behind the event, `event` its type, `data` its JSON. A
 * reader whose cursor is lost, at the start or by a DELETE on the way, first gets `event: reset`; one that has events of
 * an attempt that is void gets `event: superseded`, which is no place to go on from and has no `id`.
 *
 * There is no queue per reader: each pull reads the store from where the last one ended. While the store is out of reach
 * the reader gets heartbeats, and after that what came meanwhile.
 *
 * @returns whether the end was that of what was followed, or a limit of the stream
 */
export async function* streamEvents(options: EventStreamOptions): AsyncGenerator<string, 'ended' | 'limit'> {
  const { store, thread, filter, limits, untilRunEnd = false, signal, onEnd } = options;
  let { after } = options;
  const sent = new SentAttempts();
  const pages = new StreamPages(options, sent);
  const pauses = new StreamPauses(limits.maxDurationMs, signal);
  let sentBytes = 0;
  let hasRunEnd = false;
  try {
    // With an id, so that a reader that is cut off before the first event goes on from here too.
    yield `id: ${formatCursor(after)}\n${SSE_RETRY}`;
    for (;;) {
      const isLastRead = signal?.aborted ?? false;
      const page = await pages.read(after);
      if (page !== undefined) {
        if (page.reset) sent.forget();
        const superseded = filter.superseded === true ? '' : sent.supersededFrames(page);
        if (superseded !== '') hasRunEnd = false;
        let frames = (page.reset ? resetFrame(page) : '') + superseded;
        for (const { event, text, byteLength } of eventFrames(page)) {
          frames += text;
          sent.add(event);
          sentBytes += byteLength;
          hasRunEnd = isRunEnd(event, page.runs.get(event.correlationId));
          if ((untilRunEnd && hasRunEnd) || sentBytes >= limits.maxBytes) break;
        }
        after = page.next;
        if (frames !== '') yield frames;
        if (untilRunEnd && hasRunEnd) return 'ended';
      }
      if (sentBytes >= limits.maxBytes || pauses.isOver) return 'limit';
      if (page !== undefined && hasMore(page)) continue;
      if (page === undefined ? signal?.aborted : isLastRead) {
        if (hasRunEnd || !(await pauses.forRest())) return 'ended';
      } else if (page === undefined) {
        yield SSE_HEARTBEAT;
        await pauses.forStore();
      } else if (await pauses.forChange((change) => store.waitForChange(thread, page.head, change))) {
        yield SSE_HEARTBEAT;
      }
    }
  } finally {
    pauses.end();
    onEnd?.();
  }
}

/** Its `id` stands before all events: a reader that connects again with it is not reset once more. */
function resetFrame({ next, head }: CallbackEventPage): string {
  const id = formatCursor({ ...next, sequence: 0 });
  return sseFrame({ id, event: 'reset', data: { oldest_sequence: head?.oldestSequence ?? 1 } });
}

/** An attempt that another one has taken the place of does not end the run, whether it is shown or not. */
function isRunEnd({ eventType, attempt }: StoredEvent, run: RunRecord | undefined): boolean {
  return eventType !== 'stream' && (run === undefined || attempt >= winningAttempt(run));
}
