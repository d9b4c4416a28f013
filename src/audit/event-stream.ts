import { SSE_HEARTBEAT, SSE_RETRY, sseFrame } from '../durable-agents/index.js';
import { eventFrames } from './event-frames.js';
import { type EventFilter, readEvents } from './read-events.js';
import { SentAttempts } from './sent-attempts.js';
import type { CallbackEventPage, CallbackEventStore, EventThread } from './store/callback-event-store.js';
import { type EventCursor, formatCursor } from './store/event-cursor.js';
import type { KeptEvent } from './store/kept-event.js';
import type { RunRecord } from './store/run-record.js';

const PAGE_LIMIT = 50;
const HEARTBEAT_MS = 15_000;

/** What one stream may take; a reader that is cut off by it resumes without loss. */
export interface EventStreamLimits {
  readonly maxDurationMs: number;
  readonly maxBytes: number;
}

export interface EventStreamOptions {
  readonly store: CallbackEventStore;
  readonly thread: EventThread;
  readonly after: EventCursor;
  readonly filter: EventFilter;
  readonly limits: EventStreamLimits;
  /** Ends the stream with this event; it is still sent. Default: none. */
  readonly isLast?: (event: KeptEvent, run: RunRecord | undefined) => boolean;
  /** Looks over each page before it is sent. Default: it is sent as it is. */
  readonly prepare?: (page: CallbackEventPage) => Promise<CallbackEventPage>;
  /** Called when the stream has ended, or its reader has gone; never if nothing was read of it. Default: nobody. */
  readonly onEnd?: () => void;
  /** Ends the stream once all is sent that is in the store when it is aborted. Default: never. */
  readonly signal?: AbortSignal;
}

/**
 * Follows a thread as server-sent events: `id` is the cursor behind the event, `event` its type, `data` its JSON. A
 * reader whose cursor is lost, at the start or by a DELETE on the way, first gets `event: reset`; one that has events of
 * an attempt that is void gets `event: superseded`, which is no place to go on from and has no `id`.
 *
 * There is no queue per reader: each pull reads the store from where the last one ended.
 *
 * @returns whether the end was that of what was followed, or a limit of the stream
 */
export async function* streamEvents(options: EventStreamOptions): AsyncGenerator<string, 'ended' | 'limit'> {
  const { store, thread, filter, limits, isLast, prepare, signal, onEnd } = options;
  const deadline = performance.now() + limits.maxDurationMs;
  let { after } = options;
  const sent = new SentAttempts();
  let sentBytes = 0;
  let pause = startPause(deadline, signal);
  try {
    // With an id, so that a reader that is cut off before the first event goes on from here too.
    yield `id: ${formatCursor(after)}\n${SSE_RETRY}`;
    await sent.begin(store, thread, after, filter);
    for (;;) {
      const isLastRead = signal?.aborted ?? false;
      const read = await readEvents(store, thread, filter, { after, limit: PAGE_LIMIT });
      const page = prepare === undefined ? read : await prepare(read);
      if (page.reset) sent.forget();
      let frames = page.reset ? resetFrame(page) : '';
      if (filter.superseded !== true) frames += sent.supersededFrames(page);
      let hasEnded = false;
      for (const { event, text, byteLength } of eventFrames(page)) {
        frames += text;
        sent.add(event);
        sentBytes += byteLength;
        hasEnded = isLast?.(event, page.runs.get(event.correlationId)) ?? false;
        if (hasEnded || sentBytes >= limits.maxBytes) break;
      }
      after = page.next;
      if (frames !== '') yield frames;
      if (hasEnded) return 'ended';
      if (sentBytes >= limits.maxBytes || performance.now() >= deadline) return 'limit';
      if (page.events.length === PAGE_LIMIT) continue;
      if (isLastRead) return 'ended';
      await store.waitForChange(thread, page.record, pause.signal);
      if (!pause.signal.aborted || signal?.aborted) continue;
      yield SSE_HEARTBEAT;
      pause.end();
      pause = startPause(deadline, signal);
    }
  } finally {
    pause.end();
    onEnd?.();
  }
}

/** Its `id` stands before all events: a reader that connects again with it is not reset once more. */
function resetFrame({ next, record }: CallbackEventPage): string {
  const id = formatCursor({ ...next, sequence: 0 });
  return sseFrame({ id, event: 'reset', data: { oldest_sequence: record?.oldestSequence ?? 1 } });
}

interface Pause {
  /** Aborted when it is time for a heartbeat, at the deadline, and with the stream's own signal. */
  readonly signal: AbortSignal;
  readonly end: () => void;
}

/**
 * One pause serves for many waits: a signal for each would be what a stream costs most.
 *
 * Not by `AbortSignal.any` and `AbortSignal.timeout`: Node 20 may collect the timeout as garbage before it is over.
 */
function startPause(deadline: number, signal: AbortSignal | undefined): Pause {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const waitMs = Math.min(HEARTBEAT_MS, deadline - performance.now());
  const timer = setTimeout(abort, Math.max(0, Math.ceil(waitMs)));
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    },
  };
}
