import { describe, expect, it } from 'vitest';
import { appendEvents, writerFor } from '../../support/append-events.js';
import { finalEvent, runId, streamEvent, thread } from '../../support/callback-events.js';
import { readCsv } from '../../support/read-csv.js';
import { createRoutes, eventsIn, placeOf } from './event-routes.js';

/** A run with 600 events. It is redelivered as soon as an export has read the first of them. */
async function createExportedRun() {
  const routes = createRoutes();
  await appendEvents(
    routes.store,
    Array.from({ length: 600 }, () => streamEvent('half an answer')),
  );
  routes.store.hooks.after = async (method) => {
    if (method !== 'list') return;
    routes.store.hooks.after = undefined;
    await writerFor(routes.store).append(streamEvent('whole'), finalEvent('whole'));
  };
  return routes;
}

describe('an export of a run that is redelivered meanwhile', () => {
  it('ends with an "incomplete" line once the attempt is superseded', async () => {
    const { ask } = await createExportedRun();
    const lines = eventsIn(await ask('export'));
    expect(lines).toHaveLength(501);
    expect(lines.at(-1)).toEqual({
      event_type: 'incomplete',
      error_message: 'The export is incomplete: a new attempt of this run has started. Export again.',
      correlation_id: runId(1),
      attempt: 1,
    });
    expect(eventsIn(await ask('export')).map(placeOf)).toEqual(['601:2', '602:2']);
  });

  it('ends the same way as CSV', async () => {
    const { ask } = await createExportedRun();
    const [names = [], ...rows] = readCsv((await ask('export', '?format=csv')).text);
    const last = Object.fromEntries(names.map((name, column) => [name, rows.at(-1)?.[column]]));
    expect(last).toMatchObject({ event_type: 'incomplete', correlation_id: runId(1), attempt: '1' });
  });

  it('is complete if superseded attempts are included', async () => {
    const { ask } = await createExportedRun();
    const lines = eventsIn(await ask('export', '?superseded=true'));
    expect(lines.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 602 }, (_, index) => index + 1));
  });
});

describe('an export of a thread that is cleared meanwhile', () => {
  it.each(['jsonl', 'csv'])('says in its last line that it is incomplete: %s', async (format) => {
    const { store, ask } = createRoutes();
    await appendEvents(
      store,
      Array.from({ length: 1200 }, () => streamEvent()),
    );
    store.hooks.after = async (method) => {
      if (method !== 'list') return;
      store.hooks.after = undefined;
      await store.clear(thread);
      await appendEvents(store, [streamEvent('after the clear')]);
    };
    const { text } = await ask('export', `?format=${format}`);
    const lines = format === 'csv' ? readCsv(text).slice(1) : text.trimEnd().split('\n');
    expect(lines).toHaveLength(501);
    expect(text).not.toContain('after the clear');
    expect(text.trimEnd().split('\n').at(-1)).toContain('incomplete');
  });
});

describe('a CSV export', () => {
  it('starts with a byte order mark on request', async () => {
    const { ask } = createRoutes();
    const bytes = new Uint8Array(await (await createRoutes().open('export', '?format=csv&bom=true')).arrayBuffer());
    expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect((await ask('export', '?format=csv')).text.startsWith('sequence,')).toBe(true);
  });
});
