import type { HttpHandler, InvocationContext } from '@azure/functions';
import { errorText } from '../../functions/error-text.js';
import { pacedBody } from '../../functions/paced-body.js';
import { parseQuery } from '../../functions/query-parameters.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import type { CallbackEvent } from '../domain/callback-event.js';
import type { EventCursor } from '../domain/event-cursor.js';
import type { EventThread } from '../domain/event-thread.js';
import { winningAttempt } from '../domain/recorded-run.js';
import { exportQuery } from './callback-request.js';
import { CSV_HEADER, type ExportedLine, type IncompleteLine, toCsvLine, UTF8_BOM } from './event-csv.js';
import { EventJson } from './event-json.js';
import { findEvents, type FoundEvents } from './find-events.js';
import type { ListEventsOptions } from './list-events-route.js';

const PAGE_LIMIT = 500;

const FORMATS = {
  jsonl: { mediaType: 'application/jsonl', header: '', toLine: (line: ExportedLine) => `${JSON.stringify(line)}\n` },
  csv: { mediaType: 'text/csv; charset=utf-8', header: CSV_HEADER, toLine: toCsvLine },
};

export type ExportEventsOptions = Pick<ListEventsOptions, 'store' | 'access' | 'budget' | 'maxPageBytes'>;

/** `GET …/callbacks/{thread_id}/export`: downloads all events of a thread. */
export function createExportEventsRoute({ store, access, budget, maxPageBytes }: ExportEventsOptions): HttpHandler {
  return withErrorHandling(async (request, context) => {
    const thread = await access.threadOf(request, context, 'read');
    const { format, superseded, bom } = parseQuery(exportQuery, request.query);
    const { mediaType, header, toLine } = FORMATS[format];
    const read = (after?: EventCursor): Promise<FoundEvents> =>
      findEvents(store, thread, {
        filter: { superseded },
        after,
        limit: PAGE_LIMIT,
        messages: 'each',
        maxPageBytes,
        maxAnswerBytes: Infinity,
      });
    // Read the first page before the response starts, so that an unreachable store is an error and not an empty file.
    const lines = linesOf(await read(), read, superseded === true, context);
    const texts = textsOf(lines, (bom && format === 'csv' ? UTF8_BOM : '') + header, toLine);
    return {
      headers: {
        'content-type': mediaType,
        'cache-control': 'no-store',
        'content-disposition': `attachment; filename="${fileName(thread)}.${format}"`,
      },
      body: pacedBody(budget.spend(maxPageBytes, texts), context),
    };
  });
}

async function* textsOf(
  lines: AsyncIterable<ExportedLine>,
  header: string,
  toLine: (line: ExportedLine) => string,
): AsyncGenerator<Uint8Array> {
  let text = header;
  for await (const line of lines) {
    text += toLine(line);
    if (text.length < 64 * 1024) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

async function* linesOf(
  first: FoundEvents,
  readNext: (after: EventCursor) => Promise<FoundEvents>,
  withSuperseded: boolean,
  context: InvocationContext,
): AsyncGenerator<ExportedLine> {
  /** The exported attempt of each run. */
  const exported = new Map<string, number>();
  try {
    for (let page = first; ; page = await readNext(page.next)) {
      // The remaining events would follow a gap.
      if (page !== first && page.reset) throw new Error('The events were cleared or evicted during the export');
      const superseded = withSuperseded ? undefined : supersededLine(page, exported);
      if (superseded !== undefined) return yield superseded;
      const json = new EventJson(page);
      for (const event of page.events) {
        exported.set(event.correlationId, event.attempt);
        const served: CallbackEvent = JSON.parse(json.textOf(event));
        yield served;
      }
      if (!page.hasMore) return;
    }
  } catch (error) {
    context.error(
      `[${context.functionName}] export of invocation ${context.invocationId} is incomplete: ${errorText(error)}`,
    );
    // If the body failed, the client would wait forever.
    yield { event_type: 'incomplete', error_message: 'The export is incomplete: reading the events failed.' };
  }
}

/** Ends the export if an exported attempt is now superseded: a partial answer would precede the complete one. */
function supersededLine({ runs }: FoundEvents, exported: ReadonlyMap<string, number>): IncompleteLine | undefined {
  for (const [correlationId, run] of runs) {
    const attempt = exported.get(correlationId);
    if (attempt === undefined || attempt >= winningAttempt(run)) continue;
    return {
      event_type: 'incomplete',
      error_message: 'The export is incomplete: a new attempt of this run has started. Export again.',
      correlation_id: correlationId,
      attempt,
    };
  }
  return undefined;
}

/** Replaces characters that are invalid in file names or headers. */
function fileName({ agentName, threadId }: EventThread): string {
  return `${agentName}-${threadId}`.replaceAll(/[^A-Za-z0-9._-]/g, '_');
}
