import { ApiError } from './api-error.js';
import { nextCursorOf } from './next-cursor-of.js';
import { RequestMessages } from './request-messages.js';
import type { ReceivedEvent } from './telemetry-event.js';
import type { EventPage } from './thread-source.js';

const PAGE_LIMIT = '1000';

type Query = Readonly<Record<string, string>>;

/**
 * Reads the events that a query selects in one request, which costs both sides less than many. If that is too much for
 * the app, or for a slow connection, reads them in pages: requests each page as soon as the headers of the one before
 * are there, and parses that one meanwhile.
 *
 * @param request - requests events; rejects with an {@link ApiError} for an unsuccessful response
 */
export async function* readEventPages(
  request: (query: Query) => Promise<Response>,
  query: Query,
): AsyncGenerator<EventPage, void> {
  const whole = await readWhole(request, query);
  if (whole !== undefined) {
    yield whole;
    return;
  }
  let response: Response | undefined = await request({ ...query, limit: PAGE_LIMIT });
  while (response !== undefined) {
    const after = nextCursorOf(response);
    const [page, [next]]: [EventPage, PromiseSettledResult<Response>[]] = await Promise.all([
      pageOf(response),
      Promise.allSettled(after === undefined ? [] : [request({ ...query, limit: PAGE_LIMIT, after })]),
    ]);
    yield page;
    if (next?.status === 'rejected') throw next.reason;
    response = next?.value;
  }
}

/** Returns `undefined` if one answer is too large for the app (413, or 503 while it sends others), or takes too long. */
async function readWhole(request: (query: Query) => Promise<Response>, query: Query): Promise<EventPage | undefined> {
  try {
    return await pageOf(await request(query));
  } catch (error) {
    const isTooMuch =
      error instanceof ApiError
        ? error.status === 413 || error.status === 503
        : error instanceof DOMException && error.name === 'TimeoutError';
    if (isTooMuch) return undefined;
    throw error;
  }
}

async function pageOf(response: Response): Promise<EventPage> {
  const { headers } = response;
  const events: ReceivedEvent[] = JSON.parse(await response.text());
  const messages = new RequestMessages();
  return {
    events: events.map((event) => messages.restore(event)),
    cursor: headers.get('x-next-cursor') ?? '0',
    isReset: headers.get('x-cursor-reset') === 'true',
  };
}
