import { describe, expect, it } from 'vitest';
import { answeredRuns } from '../../../src/durable-agents/client/answered-runs.js';
import { startDurableTaskServer } from '../../support/durable-task-server.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const turns = [
  ...turnEntries('one', 'Hi', { $type: 'text', text: 'Hello' }),
  ...turnEntries('two', 'And now?', { $type: 'error', message: 'Later.', errorCode: 'rate_limited' }),
  ...turnEntries('three', 'And now?', { $type: 'text', text: '' }),
  ...turnEntries('four', 'And now?').slice(0, 1),
];

const start = (state: unknown, failingReads = 0) =>
  startDurableTaskServer(() => undefined, { states: { 'dafx-ScriptedAgent/thread-1': state }, failingReads });

describe('the answered runs of a thread', () => {
  it('are those that its state holds an answer to, with the answers, by one read', async () => {
    const server = await start(threadState(...turns));

    const answered = await answeredRuns(server.context, 'ScriptedAgent', 'thread-1');

    expect([...answered]).toEqual([
      ['one', 'Hello'],
      ['three', ''],
    ]);
    expect(server.readCount).toBe(1);
  });

  it('are none while the thread has no state', async () => {
    const server = await start(undefined);

    expect(await answeredRuns(server.context, 'ScriptedAgent', 'thread-1')).toEqual(new Map());
  });

  it.each([
    { what: 'is of another version', state: { schemaVersion: '2.0.0' }, failingReads: 0, error: 'version 2.0.0' },
    { what: 'could not be had', state: threadState(...turns), failingReads: 1, error: '500' },
  ])('are an error when the state $what', async ({ state, failingReads, error }) => {
    const server = await start(state, failingReads);

    await expect(answeredRuns(server.context, 'ScriptedAgent', 'thread-1')).rejects.toThrow(error);
  });
});
