import { expect, it, onTestFinished } from 'vitest';
import { RunWriter } from '../support/append-events.js';
import { newThreadId } from '../support/agent-api.js';
import { startAppWithModel } from '../support/app-with-model.js';
import { openTableAccount } from '../support/azurite-table-server.js';
import { finalEvent, runOf, streamEvent } from '../support/callback-events.js';
import { echoed } from '../support/echoed.js';
import { eventually } from '../support/eventually.js';
import { openDurableEventStoreForTest } from '../support/durable-event-store.js';
import { runTimer } from '../support/run-timer.js';

const TABLE_NAME = 'PurgedEvents';

it('the function purge_callback_events removes events older than CALLBACK_EVENT_TTL_DAYS from a table', async () => {
  const { connectionString } = await openTableAccount();
  const target = await startAppWithModel(echoed, {
    CALLBACK_STORE: 'table',
    AzureWebJobsStorage: connectionString,
    CALLBACK_TABLE_NAME: TABLE_NAME,
    CALLBACK_EVENT_TTL_DAYS: '1',
  });
  onTestFinished(() => target.stop());
  const { api, app } = target;
  expect(app.output()).toContain('purge_callback_events');

  const threadId = newThreadId();
  const twoDaysAgo = new Date(Date.now() - 2 * 86_400_000).toISOString();
  const store = openDurableEventStoreForTest({ kind: 'table', account: { connectionString }, tableName: TABLE_NAME });
  const thread = { agentName: 'CallbackAgent', threadId };
  const oldRun = { ...runOf(), acceptedAt: twoDaysAgo };
  const writer = new RunWriter(store, thread, oldRun, undefined, twoDaysAgo);
  await writer.append(streamEvent('Old', twoDaysAgo), finalEvent('Old', twoDaysAgo));
  const { correlation_id: newRun } = await api.ask(threadId, 'Hello');
  const before = await api.events(threadId);
  expect(new Set(before.map((event) => event.correlation_id))).toEqual(new Set([oldRun.correlationId, newRun]));

  await runTimer(app.baseUrl, 'purge_callback_events');

  const kept = await eventually(async () => {
    const events = await api.events(threadId);
    expect(events.length).toBeLessThan(before.length);
    return events;
  });
  expect(kept).toMatchObject(before.slice(2).map(({ sequence }) => ({ sequence, correlation_id: newRun })));
});
