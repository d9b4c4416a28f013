import { describe, expect, it } from 'vitest';
import { readCsv } from '../../support/read-csv.js';
import { parseSse } from '../../support/sse-events.js';
import type { Route } from './event-routes.js';
import { eventsIn, placeOf, UNTIL_END, createHistory } from './event-routes.js';

describe('a redelivered run', () => {
  it.each<[Route, string, string[]]>([
    ['list', '', ['1:1', '2:1', '5:2', '6:2']],
    ['list', '?superseded=false', ['1:1', '2:1', '5:2', '6:2']],
    ['list', '?superseded=true', ['1:1', '2:1', '3:1', '4:1', '5:2', '6:2']],
    ['list', '?superseded=true&event_type=failed', ['4:1']],
    ['list', '?event_type=failed', []],
    ['list', '?limit=3', ['1:1', '2:1', '5:2']],
    ['export', '', ['1:1', '2:1', '5:2', '6:2']],
    ['export', '?superseded=true', ['1:1', '2:1', '3:1', '4:1', '5:2', '6:2']],
    ['stream', `?${UNTIL_END}`, ['5:2', '6:2']],
    ['stream', `?${UNTIL_END}&superseded=true`, ['3:1', '4:1', '5:2', '6:2']],
  ])('appears in %s%s with the expected attempts', async (route, query, expected) => {
    const { ask } = await createHistory();
    const answer = await ask(route, query);
    expect(answer.status).toBe(200);
    expect(eventsIn(answer).map(placeOf)).toEqual(expected);
  });

  it('appears in the CSV export with the attempt of each event', async () => {
    const { ask } = await createHistory();
    const [names = [], ...rows] = readCsv((await ask('export', '?format=csv&superseded=true')).text);
    expect(rows.map((row) => row[names.indexOf('attempt')])).toEqual(['1', '1', '1', '1', '2', '2']);
    const [, ...winning] = readCsv((await ask('export', '?format=csv')).text);
    expect(winning).toHaveLength(4);
  });

  it.each<Route>(['list', 'export', 'stream'])(
    'is not shown by %s with the invalid superseded=maybe',
    async (route) => {
      const { ask } = await createHistory();
      const { status, contentType, text } = await ask(route, '?superseded=maybe');
      expect([status, contentType]).toEqual([400, 'application/json']);
      expect(JSON.parse(text)).toEqual({ error: 'Invalid superseded: expected true or false' });
    },
  );

  it('has ended for a reader of its latest end, but not for a reader of an earlier one', async () => {
    const { ask } = await createHistory();
    expect((await ask('stream', `?${UNTIL_END}&after=6`)).status).toBe(204);
    const answer = await ask('stream', `?${UNTIL_END}&after=4`);
    expect(parseSse(answer.text).events.map(({ event }) => event)).toEqual(['superseded', 'stream', 'final']);
  });
});
