import { ReadableStream } from 'node:stream/web';
import type { HttpHandler, InvocationContext } from '@azure/functions';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import { errorText } from '../../functions/error-text.js';
import type { CallbackEventPage } from '../store/callback-event-store.js';
import type { EventThread } from '../domain/event-thread.js';
import { CSV_HEADER, type ExportedLine, type IncompleteLine, toCsvLine } from './event-csv.js';
import { exportQuery, parseQuery } from './event-query.js';
import type { EventRouteOptions } from './event-route-options.js';
import { eventThreadOf } from './event-thread-of.js';
import { eventsOf, hasMore, readEvents } from './read-events.js';
import { type SentAttempt, SentAttempts } from './sent-attempts.js';
import type { EventCursor } from '../domain/event-cursor.js';

const PAGE_LIMIT = 500;

const FORMATS = {
  jsonl: { mediaType: 'application/jsonl', header: '', toLine: (line: ExportedLine) => `${JSON.stringify(line)}\n` },
  csv: { mediaType: 'text/csv; charset=utf-8', header: CSV_HEADER, toLine: toCsvLine },
};

/** `GET …/callbacks/{thread_id}/export`: all events of a thread as a file. */
export function createExportEventsRoute({ store, agents }: EventRouteOptions): HttpHandler {
  return withErrorHandling(async (request, context) => {
    const thread = eventThreadOf(request, agents);
    const { format, superseded } = parseQuery(exportQuery, request.query);
    const { mediaType, header, toLine } = FORMATS[format];
    // The first page is read before there is an answer: a store that is out of reach is an error, not an empty file.
    const read = (after?: EventCursor): Promise<CallbackEventPage> =>
      readEvents(store, thread, { superseded }, { ...(after && { after }), limit: PAGE_LIMIT });
    const first = await read();
    return {
      headers: {
        'content-type': mediaType,
        'cache-control': 'no-store',
        'content-disposition': `attachment; filename="${fileName(thread)}.${format}"`,
      },
      body: ReadableStream.from(texts(linesOf(first, read, superseded === true, context), header, toLine)),
    };
  });
}

async function* texts(
  pages: AsyncIterable<readonly ExportedLine[]>,
  header: string,
  toLine: (line: ExportedLine) => string,
): AsyncGenerator<Uint8Array> {
  if (header !== '') yield Buffer.from(header);
  for await (const lines of pages) yield Buffer.from(lines.map(toLine).join(''));
}

async function* linesOf(
  first: CallbackEventPage,
  readNext: (after: EventCursor) => Promise<CallbackEventPage>,
  withSuperseded: boolean,
  context: InvocationContext,
): AsyncGenerator<readonly ExportedLine[]> {
  const exported = new SentAttempts();
  try {
    for (let page = first; ; page = await readNext(page.next)) {
      // What is left then stands behind a gap, and is not this export's any more.
      if (page.reset) throw new Error('the events were cleared or dropped meanwhile');
      const [superseded] = withSuperseded ? [] : exported.takeSuperseded(page);
      if (superseded !== undefined) {
        yield [supersededLine(superseded)];
        return;
      }
      if (page.events.length > 0) yield eventsOf(page);
      if (!hasMore(page)) return;
      for (const event of page.events) exported.add(event);
    }
  } catch (error) {
    context.error(`[${context.functionName}] export of invocation ${context.invocationId} is cut: ${errorText(error)}`);
    // A body that errors would leave the client without an end.
    yield [{ event_type: 'incomplete', error_message: 'The export ends here, and is not complete.' }];
  }
}

/** With the rest of the events there would be half an answer before the whole one, and nothing to tell them apart. */
function supersededLine({ correlationId, attempt }: SentAttempt): IncompleteLine {
  return {
    event_type: 'incomplete',
    error_message: 'The export ends here, and is not complete: another attempt of this run has begun. Export again.',
    correlation_id: correlationId,
    attempt,
  };
}

/** Replaces what file systems or headers do not take. */
function fileName({ agentName, threadId }: EventThread): string {
  return `${agentName}-${threadId}`.replaceAll(/[^A-Za-z0-9._-]/g, '_');
}
