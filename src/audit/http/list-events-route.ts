import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import type { z } from 'zod';
import type { ThreadAccess } from '../../durable-agents/index.js';
import { isNotModified } from '../../functions/is-not-modified.js';
import { responseOf } from '../../functions/outgoing-response.js';
import { pacedBody } from '../../functions/paced-body.js';
import { parseQuery } from '../../functions/query-parameters.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import { endOf, formatCursor, isLost, START } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import type { ThreadHead } from '../domain/thread-head.js';
import type { CallbackEventStore } from '../store/callback-event-store.js';
import type { AnswerBudget } from './answer-budget.js';
import { listQuery } from './callback-request.js';
import { jsonArrayPieces, type MessageRepetition } from './event-json.js';
import { findEvents, type FoundEvents } from './find-events.js';
import type { ReaderSlots } from './reader-slots.js';

const MAX_WHOLE_BYTES = 1024 * 1024;

export interface ListEventsOptions {
  readonly store: CallbackEventStore;
  readonly access: ThreadAccess;
  /** Limits the readers that long-poll. */
  readonly polls: ReaderSlots;
  readonly budget: AnswerBudget;
  /** Maximum bytes of JSON in a page with a limit. */
  readonly maxPageBytes: number;
  /** Maximum bytes of JSON in a response without a limit. */
  readonly maxAnswerBytes: number;
}

type ListQuery = z.infer<typeof listQuery>;

/** The result of a request: nothing new since the head, or events. */
type Outcome = { readonly notModified: ThreadHead | undefined } | { readonly found: FoundEvents };

/** `GET …/callbacks/{thread_id}`: returns events as a JSON array. Headers contain the cursor for the next read. */
export function createListEventsRoute(options: ListEventsOptions): HttpHandler {
  return withErrorHandling(async (request, context) => {
    const thread = await options.access.threadOf(request, context, 'read');
    const query = parseQuery(listQuery, request.query);
    const outcome = await findOrWait(thread, query, request, context, options);
    if ('notModified' in outcome) return { status: 304, headers: headersWithoutBody(query, outcome.notModified) };
    const { found } = outcome;
    const headers = pageHeaders(found);
    if (isNotModified(request, headers.etag)) return { status: 304, headers };
    const body = arrayBody(found, query.request_message, context, options.budget);
    return { headers: { 'content-type': 'application/json', ...headers }, body } satisfies HttpResponseInit;
  });
}

/** Finds events. With `wait`, long-polls while there are none that the reader does not have. */
async function findOrWait(
  thread: EventThread,
  query: ListQuery,
  request: HttpRequest,
  context: InvocationContext,
  { store, polls, maxPageBytes, maxAnswerBytes }: ListEventsOptions,
): Promise<Outcome> {
  const { limit, correlation_id: correlationId, event_type: eventType, superseded, request_message: messages } = query;
  const options = { filter: { correlationId, eventType, superseded }, limit, messages, maxPageBytes, maxAnswerBytes };
  const hasTag = request.headers.has('if-none-match');
  const poll = new LongPoll(query.wait, () => polls.open(thread, { maxDurationMs: query.wait * 1000 }), context);
  let { after } = query;
  try {
    for (;;) {
      const head = hasTag ? await store.readHead(thread) : undefined;
      if (hasTag && isNotModified(request, etagOf(head)) && fitsInOneAnswer(query, head)) {
        if (await poll.waitFor((signal) => store.waitForChange(thread, head, signal))) continue;
        return { notModified: head };
      }
      const found = await findEvents(store, thread, { ...options, after });
      // For a reader with a tag that asked for all events, an empty list is new: the events were cleared or superseded.
      const isNew = found.events.length > 0 || found.reset || (hasTag && query.after === undefined);
      const hasNothingNew = isNotModified(request, etagOf(found.head)) ? !found.hasMore : !isNew;
      if (!hasNothingNew || !(await poll.waitFor((signal) => store.waitForChange(thread, found.head, signal)))) {
        return { found };
      }
      // Do not read again what the filter skipped.
      if (found.events.length === 0) after = found.next;
    }
  } finally {
    poll.end();
  }
}

/** The wait of one request. Takes a slot only if it actually waits. */
class LongPoll {
  readonly #timeout = new AbortController();
  readonly #open: () => { readonly close: () => void };
  readonly #seconds: number;
  readonly #response: ReturnType<typeof responseOf>;
  #slot: { readonly close: () => void } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(seconds: number, open: () => { readonly close: () => void }, context: InvocationContext) {
    this.#seconds = seconds;
    this.#open = open;
    this.#response = responseOf(context);
  }

  /** @returns false on timeout or when the client disconnects; immediately false if there is no wait */
  async waitFor(change: (signal: AbortSignal) => Promise<boolean>): Promise<boolean> {
    if (this.#seconds === 0) return false;
    if (this.#slot === undefined) {
      this.#slot = this.#open();
      this.#timer = setTimeout(this.#abort, this.#seconds * 1000);
      this.#response?.once('close', this.#abort);
    }
    return change(this.#timeout.signal);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#response?.off('close', this.#abort);
    this.#slot?.close();
  }

  readonly #abort = (): void => this.#timeout.abort();
}

/** Returns whether one response reaches the newest event, so that nothing is new while the head is the same. */
function fitsInOneAnswer({ after = START, limit }: ListQuery, head: ThreadHead | undefined): boolean {
  if (limit === undefined || head === undefined) return true;
  return head.newestSequence - Math.max(after.sequence, head.oldestSequence - 1) <= limit;
}

function arrayBody(
  found: FoundEvents,
  messages: MessageRepetition,
  context: InvocationContext,
  budget: AnswerBudget,
): HttpResponseInit['body'] {
  const pieces = jsonArrayPieces(found, messages);
  if (found.byteLength <= MAX_WHOLE_BYTES) return Buffer.concat([...pieces]);
  return pacedBody(budget.spend(found.byteLength, pieces), context);
}

function pageHeaders({ next, hasMore, reset, head }: Pick<FoundEvents, 'next' | 'hasMore' | 'reset' | 'head'>) {
  return {
    'x-next-cursor': formatCursor(next),
    'x-has-more': String(hasMore),
    ...(reset && { 'x-cursor-reset': 'true' }),
    etag: etagOf(head),
    'cache-control': 'private, no-cache',
  };
}

/** Returns the headers of a response that reaches the newest event. */
function headersWithoutBody({ after = START }: ListQuery, head: ThreadHead | undefined) {
  const reset = isLost(after, head);
  return pageHeaders({ next: endOf(head), hasMore: false, reset, head });
}

/** Returns a tag that changes with everything that affects the response. Never newer than the events it is sent with. */
function etagOf(head: ThreadHead | undefined): string {
  return head === undefined ? '"none"' : `"${head.epoch}-${head.oldestSequence}-${head.version}"`;
}
