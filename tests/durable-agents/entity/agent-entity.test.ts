import { describe, expect, it } from 'vitest';
import { createAgentEntity } from '../../../src/durable-agents/entity/agent-entity.js';
import { AgentError } from '../../../src/durable-agents/errors.js';
import { RunCompletionNotifier } from '../../../src/durable-agents/run-completion-notifier.js';
import { finish, text } from '../../support/agent-parts.js';
import { FakeEntity } from '../../support/fake-entity.js';
import { runRequest } from '../../support/run-request.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { WaitingThreads } from '../../../src/durable-agents/approvals/waiting-threads.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import { MemoryKeyValueStore } from '../../../src/storage/memory/memory-key-value-store.js';
import { ScriptedAgent } from '../../support/scripted-agent.js';
import { agentEntityName } from '../../../src/durable-agents/thread/thread-entity.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';
import { operate, sunny } from './operate-entity.js';

describe('the operation run', () => {
  it.each(['run', 'run_agent'])('answers under the name %s, stores the turn and announces its end', async (name) => {
    const { entity, callback, hasAnnouncedEnd } = await operate({ operationName: name, input: runRequest() });

    expect(entity.results).toEqual([
      { status: 'success', correlation_id: runRequest().correlationId, message_count: 2 },
    ]);
    expect(entity.writes).toMatchObject([
      {
        schemaVersion: '1.1.0',
        data: {
          conversationHistory: [
            { $type: 'request', correlationId: runRequest().correlationId },
            { $type: 'response', correlationId: runRequest().correlationId },
          ],
        },
      },
    ]);
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentResponse']);
    expect(callback.contexts[0]).toMatchObject({ agentName: 'ScriptedAgent', threadId: 'thread-1' });
    expect(hasAnnouncedEnd).toBe(true);
  });

  it('continues the thread, and keeps data of other versions next to the history', async () => {
    const agent = sunny();
    const state = {
      ...threadState(...turnEntries('earlier', 'Hi', { $type: 'text', text: 'Hello' })),
      schemaVersion: '1.2.0',
      'x-added': true,
    };

    const { entity } = await operate({ operationName: 'run', input: runRequest(), state }, agent);

    expect(entity.results).toMatchObject([{ message_count: 4 }]);
    expect(entity.writes).toMatchObject([{ schemaVersion: '1.2.0', 'x-added': true }]);
    expect(agent.calls[0]?.messages).toHaveLength(3);
  });

  it('also stores a failed run', async () => {
    const agent = new ScriptedAgent([new AgentError('rate_limited', 'Later.')]);

    const { entity, callback, hasAnnouncedEnd } = await operate({ operationName: 'run', input: runRequest() }, agent);

    expect(entity.results).toEqual([{ status: 'error', correlation_id: runRequest().correlationId, message_count: 2 }]);
    expect(JSON.stringify(entity.writes)).toContain('"errorCode":"rate_limited"');
    expect(callback.calls).toEqual(['onAgentStart', 'onAgentError']);
    expect(hasAnnouncedEnd).toBe(true);
  });

  it('is not repeated on redelivery', async () => {
    const first = await operate({ operationName: 'run', input: runRequest() });
    const agent = sunny();

    const { entity, callback, hasAnnouncedEnd } = await operate(
      { operationName: 'run', input: runRequest(), state: first.entity.getState() },
      agent,
    );

    expect(agent.calls).toEqual([]);
    expect(callback.calls).toEqual([]);
    expect(entity.results).toEqual(first.entity.results);
    expect(entity.getState()).toEqual(first.entity.getState());
    expect(hasAnnouncedEnd).toBe(true);
  });

  it('accepts the request format of the original', async () => {
    const { entity, callback } = await operate({
      operationName: 'run',
      input: {
        message: 'Hi',
        role: 'USER',
        enable_tool_calls: true,
        wait_for_response: true,
        request_response_format: 'Text',
        correlationId: '59650737-951C-41c2-ab74-3c21cb257349',
        options: {},
        created_at: '2026-01-07T15:40:00.123456+00:00',
        response_format: null,
        orchestrationId: 'orchestration-1',
      },
    });

    expect(entity.results).toMatchObject([{ status: 'success', correlation_id: '59650737951c41c2ab743c21cb257349' }]);
    expect(entity.writes).toMatchObject([
      {
        data: {
          conversationHistory: [
            {
              createdAt: '2026-01-07T15:40:00.123456+00:00',
              orchestrationId: 'orchestration-1',
              responseType: 'text',
            },
            {},
          ],
        },
      },
    ]);
    expect(callback.contexts[0]).toMatchObject({ correlationId: '59650737951c41c2ab743c21cb257349' });
  });

  it('returns a small result, however long the answer', async () => {
    const agent = new ScriptedAgent([text('Sunny. '.repeat(100_000)), finish()]);

    const { entity } = await operate({ operationName: 'run', input: runRequest() }, agent);

    expect(JSON.stringify(entity.results).length).toBeLessThan(200);
  });

  it.each([
    { what: 'nothing', input: undefined, says: 'input' },
    { what: 'text', input: 'Hello', says: 'input' },
    { what: 'no message', input: { ...runRequest(), message: undefined }, says: 'message' },
    { what: 'an unknown role', input: { ...runRequest(), role: 'tool' }, says: 'role' },
    { what: 'an invalid correlation id', input: runRequest({ correlationId: 'one' }), says: 'correlationId' },
    { what: 'an invalid time', input: runRequest({ createdAt: 'today' }), says: 'createdAt' },
  ])('rejects an input with $what, and stores nothing', async ({ input, says }) => {
    const agent = sunny();

    const { entity } = await operate({ operationName: 'run', input }, agent);

    expect(entity.results).toMatchObject([{ error: expect.stringContaining(`Invalid run request: ${says}`) }]);
    expect(entity.writes).toEqual([]);
    expect(agent.calls).toEqual([]);
  });
});

describe('the operation reset', () => {
  it('empties the thread', async () => {
    const state = threadState(...turnEntries('earlier', 'Hi', { $type: 'text', text: 'Hello' }));

    const { entity, callback } = await operate({ operationName: 'reset', state });

    expect(entity.results).toEqual([{ status: 'reset' }]);
    expect(entity.writes).toEqual([threadState()]);
    expect(callback.calls).toEqual([]);
  });

  it('creates an empty thread if there is none', async () => {
    expect((await operate({ operationName: 'reset' })).entity.writes).toEqual([threadState()]);
  });
});

describe('a thread with an unreadable state', () => {
  const state = { schemaVersion: '2.0.0', data: 'of another kind' };

  it.each(['run', 'reset'])('is not overwritten by %s', async (operationName) => {
    const { entity } = await operate({ operationName, input: runRequest(), state });

    expect(entity.writes).toEqual([]);
    expect(entity.results).toEqual([{ error: expect.stringContaining('schema version 2.0.0') }]);
    expect(entity.logLines.filter((line) => line.startsWith('error'))).toHaveLength(1);
  });

  it('reports the failed run to its callback and to waiting callers', async () => {
    const agent = sunny();

    const { callback, hasAnnouncedEnd } = await operate({ operationName: 'run', input: runRequest(), state }, agent);

    expect(callback.calls).toEqual(['onAgentError']);
    expect(callback.errors[0]).toMatchObject({ code: 'unreadable_thread_state' });
    expect(callback.contexts[0]).toMatchObject({ threadId: 'thread-1', correlationId: runRequest().correlationId });
    expect(agent.calls).toEqual([]);
    expect(hasAnnouncedEnd).toBe(true);
  });
});

describe('an agent entity', () => {
  it('is named after its agent', () => {
    expect(agentEntityName('CallbackAgent')).toBe('dafx-CallbackAgent');
  });

  it.each(['', 'RUN', 'constructor'])('rejects the operation "%s"', async (operationName) => {
    const { entity } = await operate({ operationName, input: runRequest() });

    expect(entity.results).toEqual([{ error: `Unknown operation: ${operationName}` }]);
    expect(entity.writes).toEqual([]);
  });

  it.each(['..', 'a/b', 'a b', 'x'.repeat(129)])(
    'fails the run visibly if its key "%s" belongs to no thread',
    async (key) => {
      const agent = sunny();

      const { entity, callback } = await operate({ operationName: 'run', input: runRequest(), key }, agent);

      expect(entity.results).toMatchObject([{ status: 'error', error: expect.stringContaining('thread id') }]);
      expect(JSON.stringify(entity.writes)).toContain('"errorCode":"invalid_thread_id"');
      expect(callback.calls).toEqual(['onAgentError']);
      expect(agent.calls).toEqual([]);
      expect(entity.logLines.filter((line) => line.includes('refused'))).toHaveLength(1);
    },
  );

  it.each([
    { key: 'auth0~7C1', threadId: 'auth0|1' },
    { key: 'a+b', threadId: 'a+b' },
  ])('with the key $key belongs to the thread $threadId', async ({ key, threadId }) => {
    const { callback } = await operate({ operationName: 'run', input: runRequest(), key });

    expect(callback.contexts[0]).toMatchObject({ threadId, sessionId: threadId });
  });

  it('returns an error instead of throwing, and logs it', async () => {
    const entity = new FakeEntity({ operationName: 'run', input: runRequest() });
    entity.setState = () => {
      throw new Error('storage at https://internal.example is gone');
    };
    const handle: (context: FakeEntity['context']) => unknown = createAgentEntity({
      agent: sunny(),
      callback: undefined,
      completions: new RunCompletionNotifier(),
      runTimeoutMs: 60_000,
      maxAttempts: 5,
      approvalTimeoutMs: 60_000,
      maxStateBytes: 900_000,
      runRecords: new RunRecords(new MemoryKeyValueStore()),
      threadIndex: new ThreadIndex(new MemoryKeyValueStore()),
      waitingThreads: new WaitingThreads(new MemoryKeyValueStore()),
      tombstones: new Tombstones(new MemoryKeyValueStore()),
    });

    await handle(entity.context);

    expect(entity.results).toEqual([{ error: 'The operation failed.' }]);
    expect(entity.logLines.at(-1)).toMatch(/^error .*run.*thread-1.*internal\.example/);
  });

  it('logs to its invocation', async () => {
    const { entity } = await operate({ operationName: 'run', input: runRequest() });

    expect(entity.logLines).toEqual([
      expect.stringMatching(/^information .*run started/),
      expect.stringMatching(/^information .*run answered/),
    ]);
  });
});
