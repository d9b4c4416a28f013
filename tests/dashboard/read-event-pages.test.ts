import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/dashboard/page/api/api-error.js';
import { readEventPages } from '../../src/dashboard/page/api/read-event-pages.js';
import { eventsOf } from './support/telemetry-events.js';

const events = eventsOf({ correlationId: 'a', texts: ['Why ', 'did ', 'the ', 'sky?'], end: 'final' });

/** Serves events as the app does, or fails if all are requested at once. Pages have two events. */
function createApp(failure?: Error) {
  const queries: Readonly<Record<string, string>>[] = [];
  const request = async (query: Readonly<Record<string, string>>): Promise<Response> => {
    queries.push(query);
    if (query['limit'] === undefined) {
      if (failure !== undefined) throw failure;
      return answer(0, events.length);
    }
    const from = Number(query['after'] ?? '0');
    return answer(from, Math.min(events.length, from + 2));
  };
  return { queries, request };
}

function answer(from: number, end: number): Response {
  const served = events.slice(from, end).map(({ request_message: message, ...event }, index) => ({
    ...event,
    ...(index === 0 && { request_message: message }),
  }));
  const headers = { 'x-next-cursor': String(end), 'x-has-more': String(end < events.length) };
  return Response.json(served, { headers });
}

async function read({ request }: ReturnType<typeof createApp>, query = {}) {
  const pages = [];
  for await (const page of readEventPages(request, query)) pages.push(page);
  return pages;
}

describe('reading the events of a thread', () => {
  it('needs one request, and restores the messages of runs', async () => {
    const app = createApp();
    expect(await read(app, { superseded: 'true' })).toEqual([{ events, cursor: '5', isReset: false }]);
    expect(app.queries).toEqual([{ superseded: 'true' }]);
  });

  it.each([
    ['is too large for the app', new ApiError(413, 'The events exceed 67108864 bytes of JSON.')],
    ['is refused while the app sends others', new ApiError(503, 'Too many large responses are being sent.')],
    ['takes too long', new DOMException('signal timed out', 'TimeoutError')],
  ])('reads pages if one answer %s', async (_, error) => {
    const app = createApp(error);
    const pages = await read(app, { superseded: 'true' });
    expect(pages.map(({ cursor }) => cursor)).toEqual(['2', '4', '5']);
    expect(pages.flatMap((page) => page.events)).toEqual(events);
    const paged = { superseded: 'true', limit: '1000' };
    expect(app.queries.slice(1)).toEqual([paged, { ...paged, after: '2' }, { ...paged, after: '4' }]);
  });

  it.each([new ApiError(401, 'Wrong key.'), new TypeError('Failed to fetch'), new DOMException('Left', 'AbortError')])(
    'fails with %s',
    async (error) => {
      const app = createApp(error);
      await expect(read(app)).rejects.toBe(error);
      expect(app.queries).toHaveLength(1);
    },
  );
});
