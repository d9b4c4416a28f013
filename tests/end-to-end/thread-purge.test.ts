import { expect, it, onTestFinished } from 'vitest';
import { ThreadIndex } from '../../src/durable-agents/index.js';
import { newThreadId } from '../support/agent-api.js';
import { startAppWithModel } from '../support/app-with-model.js';
import { openTableAccount } from '../support/azurite-table-server.js';
import { echoed } from '../support/echoed.js';
import { eventually } from '../support/eventually.js';
import { openKeyValueStoreForTest } from '../support/key-value-store-for-test.js';
import { runTimer } from '../support/run-timer.js';

const TABLE_NAME = 'PurgedThreads';

it('the function purge_threads deletes threads that are idle for longer than AGENT_THREAD_TTL_DAYS', async () => {
  const { connectionString } = await openTableAccount();
  const target = await startAppWithModel(echoed, {
    CALLBACK_STORE: 'table',
    AzureWebJobsStorage: connectionString,
    CALLBACK_TABLE_NAME: TABLE_NAME,
    AGENT_THREAD_TTL_DAYS: '1',
  });
  onTestFinished(() => target.stop());
  const { api, app } = target;
  const [idle, active] = [newThreadId(), newThreadId()];
  for (const threadId of [idle, active]) await api.ask(threadId, 'Hello');
  const threadIndex = new ThreadIndex(
    openKeyValueStoreForTest({ kind: 'table', account: { connectionString }, tableName: TABLE_NAME }),
  );
  const thread = { agentName: 'CallbackAgent', threadId: idle };
  await threadIndex.remove(thread);
  const at = new Date(Date.now() - 2 * 86_400_000);
  await threadIndex.touch(thread, { message: 'Hello', status: 'completed', at });

  await runTimer(app.baseUrl, 'purge_threads');

  await eventually(async () => expect(await threadIndex.find(thread)).toBeUndefined());
  const statusOf = async (threadId: string) =>
    (await api.call('GET', `agents/CallbackAgent/threads/${threadId}`)).status;
  expect(await Promise.all([idle, active].map(statusOf))).toEqual([404, 200]);
  expect(await api.events(idle)).toEqual([]);
  expect(await api.events(active)).not.toEqual([]);
});
