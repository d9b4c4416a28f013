import { ReadableStream } from 'node:stream/web';
import type { HttpHandler, InvocationContext } from '@azure/functions';
import { answering, errorText } from '../durable-agents/index.js';
import type { CallbackEventPage, EventThread } from './store/callback-event-store.js';
import { CSV_HEADER, type ExportedLine, toCsvLine } from './event-csv.js';
import { exportQuery, parseQuery } from './event-query.js';
import type { EventRouteOptions } from './event-route-options.js';
import { eventThreadOf } from './event-thread-of.js';
import { eventsOf, readEvents } from './read-events.js';
import type { EventCursor } from './store/event-cursor.js';

const PAGE_LIMIT = 500;

/** Stands last in an export that could not be finished: nobody would miss what is missing otherwise. */
const INCOMPLETE: ExportedLine = {
  event_type: 'incomplete',
  error_message: 'The export ends here, and is not complete.',
};

const FORMATS = {
  jsonl: { mediaType: 'application/jsonl', header: '', toLine: (line: ExportedLine) => `${JSON.stringify(line)}\n` },
  csv: { mediaType: 'text/csv; charset=utf-8', header: CSV_HEADER, toLine: toCsvLine },
};

/** `GET …/callbacks/{thread_id}/export`: all events of a thread as a file. */
export function createExportEventsRoute({ store, agents, runRecords }: EventRouteOptions): HttpHandler {
  return answering(async (request, context) => {
    const thread = eventThreadOf(request, agents);
    const { format, superseded } = parseQuery(exportQuery, request.query);
    const { mediaType, header, toLine } = FORMATS[format];
    // The first page is read before there is an answer: a store that is out of reach is an error, not an empty file.
    const read = async (after?: EventCursor): Promise<CallbackEventPage> => {
      const page = await readEvents(store, thread, { superseded }, { ...(after && { after }), limit: PAGE_LIMIT });
      return runRecords.withCommitted(page, context);
    };
    const first = await read();
    return {
      headers: {
        'content-type': mediaType,
        'cache-control': 'no-store',
        'content-disposition': `attachment; filename="${fileName(thread)}.${format}"`,
      },
      body: ReadableStream.from(lines(first, read, header, toLine, context)),
    };
  });
}

async function* lines(
  first: CallbackEventPage,
  readNext: (after: EventCursor) => Promise<CallbackEventPage>,
  header: string,
  toLine: (line: ExportedLine) => string,
  context: InvocationContext,
): AsyncGenerator<Uint8Array> {
  if (header !== '') yield Buffer.from(header);
  try {
    let page = first;
    while (page.events.length > 0) {
      // What is left then stands behind a gap, and is not this export's any more.
      if (page.reset) throw new Error('the events were cleared or dropped meanwhile');
      yield Buffer.from(eventsOf(page).map(toLine).join(''));
      if (page.record !== undefined && page.next.sequence >= page.record.newestSequence) return;
      page = await readNext(page.next);
    }
    if (page.reset) throw new Error('the events were cleared meanwhile');
  } catch (error) {
    context.error(`[${context.functionName}] export of invocation ${context.invocationId} is cut: ${errorText(error)}`);
    // A body that errors would leave the client without an end.
    yield Buffer.from(toLine(INCOMPLETE));
  }
}

/** Thread ids hold `:`, which file systems do not take. */
function fileName({ agentName, threadId }: EventThread): string {
  return `${agentName}-${threadId}`.replaceAll(/[^A-Za-z0-9._-]/g, '_');
}
