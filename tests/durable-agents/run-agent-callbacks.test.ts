import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgentResponseCallback } from '../../src/durable-agents/agent-response-callback.js';
import { AgentError } from '../../src/durable-agents/errors.js';
import { actingCallback } from '../support/acting-callback.js';
import { finish, text } from '../support/agent-parts.js';
import { RecordingCallback } from '../../src/durable-agents/testing/recording-callback.js';
import { runRequest } from '../support/run-request.js';
import { ScriptedAgent } from '../support/scripted-agent.js';
import { runAgentOnce } from '../support/run-agent-once.js';

const sunny = [text('It is '), text('sunny.'), finish()];
const failing = [text('It is '), new AgentError('rate_limited', 'Later.')];

describe('a callback', () => {
  it('gets the start, each update in order, then the whole response', async () => {
    const callback = new RecordingCallback();

    await runAgentOnce(new ScriptedAgent(sunny), { callback });

    expect(callback.calls).toEqual([
      'onAgentStart',
      'onStreamingResponseUpdate',
      'onStreamingResponseUpdate',
      'onAgentResponse',
    ]);
    expect(callback.updates).toEqual([text('It is '), text('sunny.')]);
    expect(callback.responses).toMatchObject([{ text: 'It is sunny.', finishReason: 'stop' }]);
  });

  it('gets one frozen context for the whole run', async () => {
    const callback = new RecordingCallback();

    const { log } = await runAgentOnce(new ScriptedAgent(sunny), { callback });

    expect(callback.contexts[0]).toEqual({
      agentName: 'ScriptedAgent',
      correlationId: runRequest().correlationId,
      sessionId: 'thread-1',
      threadId: 'thread-1',
      requestMessage: runRequest().message,
      isResumed: false,
      requestedAt: runRequest().createdAt,
      attempt: 1,
      log,
    });
    expect(Object.isFrozen(callback.contexts[0])).toBe(true);
    expect(new Set(callback.contexts).size).toBe(1);
  });

  it('is awaited before the agent continues', async () => {
    const trace: string[] = [];
    const agent = new ScriptedAgent(sunny.flatMap((part) => [() => trace.push(`agent makes ${part.kind}`), part]));
    const note = (word: string) => async () => {
      trace.push(`${word} begins`);
      await new Promise(setImmediate);
      trace.push(`${word} ends`);
    };

    await runAgentOnce(agent, {
      callback: {
        onAgentStart: note('start'),
        onStreamingResponseUpdate: note('update'),
        onAgentResponse: note('response'),
      },
    });

    const update = ['agent makes text', 'update begins', 'update ends'];
    const response = ['response begins', 'response ends'];
    expect(trace).toEqual(['start begins', 'start ends', ...update, ...update, 'agent makes finish', ...response]);
  });

  it('is optional', async () => {
    expect(await runAgentOnce(new ScriptedAgent(sunny))).toMatchObject({ response: { $type: 'response' } });
  });
});

const rewrite = (given: object): void => void Object.assign(given, { code: {}, message: 'Rewritten', messages: [] });

describe('a callback that misbehaves', () => {
  const misbehaviours: { how: string; act: () => void | Promise<void> }[] = [
    {
      how: 'throws',
      act: () => {
        throw new Error('disk full');
      },
    },
    {
      how: 'throws what has no text',
      act: () => {
        throw Object.assign(Object.create(null), { disk: 'disk full' });
      },
    },
    { how: 'rejects', act: () => Promise.reject(new Error('disk full')) },
  ];

  it.each(misbehaviours)('and $how does not affect the run, gets later calls and is logged', async ({ act }) => {
    const callback = new RecordingCallback();
    const quiet = await runAgentOnce(new ScriptedAgent(sunny));

    const result = await runAgentOnce(new ScriptedAgent(sunny), { callback: actingCallback(callback, act) });

    expect(result.history).toEqual(quiet.history);
    expect(callback.calls).toEqual([
      'onAgentStart',
      'onStreamingResponseUpdate',
      'onStreamingResponseUpdate',
      'onAgentResponse',
    ]);
    const warnings = result.log.lines.filter((line) => line.startsWith('warn'));
    expect(warnings).toHaveLength(4);
    expect(warnings[0]).toMatch(/\[ScriptedAgent\]\[[0-9a-f]{32}\].*onAgentStart.*disk full.*thread-1/);
    expect(warnings[1]).toMatch(/\[ScriptedAgent\]\[[0-9a-f]{32}\].*onStreamingResponseUpdate.*disk full.*thread-1/);
  });

  it.each(misbehaviours)('and $how during a failure does not change the failure', async ({ act }) => {
    const callback = new RecordingCallback();

    const result = await runAgentOnce(new ScriptedAgent(failing), { callback: actingCallback(callback, act) });

    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentError']);
    expect(result.response.messages?.[0]?.contents?.[0]).toMatchObject({ errorCode: 'rate_limited' });
  });

  it('and modifies its arguments does not change the turn', async () => {
    const rewriting: AgentResponseCallback = {
      onStreamingResponseUpdate: rewrite,
      onAgentResponse: rewrite,
      onAgentError: rewrite,
    };
    for (const steps of [sunny, failing]) {
      const quiet = await runAgentOnce(new ScriptedAgent(steps));
      expect((await runAgentOnce(new ScriptedAgent(steps), { callback: rewriting })).history).toEqual(quiet.history);
    }
  });

  it.each([
    { attempt: 'an answered run', steps: sunny },
    { attempt: 'a failed run', steps: failing },
  ])('and lacks methods does not affect $attempt', async ({ steps }) => {
    const quiet = await runAgentOnce(new ScriptedAgent(steps));

    const writtenInJavaScript: AgentResponseCallback = Object.create(null);
    const result = await runAgentOnce(new ScriptedAgent(steps), { callback: writtenInJavaScript });

    expect(result.history).toEqual(quiet.history);
    expect(result.log.lines).toEqual(quiet.log.lines);
  });
});

describe('the first update of a run', () => {
  it('has a time, which does not change with later ones', async () => {
    let minute = 0;
    const now = () => new Date(Date.UTC(2026, 0, 7, 15, (minute += 1)));

    const { firstUpdateAt } = await runAgentOnce(new ScriptedAgent(sunny), { callback: new RecordingCallback(), now });

    expect(firstUpdateAt).toBe('2026-01-07T15:01:00.000Z');
  });

  it('has no time if there is none', async () => {
    expect((await runAgentOnce(new ScriptedAgent([finish()]))).firstUpdateAt).toBeUndefined();
  });

  it('has the time of the clock by default', async () => {
    const { firstUpdateAt = '' } = await runAgentOnce(new ScriptedAgent(sunny), { now: undefined as never });

    expect(Math.abs(Date.parse(firstUpdateAt) - Date.now())).toBeLessThan(60_000);
  });
});

it.each(['later', 7, null, {}])('a callback that returns %j instead of a promise is not awaited', async (value) => {
  const callback = actingCallback(new RecordingCallback(), () => value as never);

  const { log, response } = await runAgentOnce(new ScriptedAgent(sunny), { callback });

  expect(response.messages?.[0]?.contents).toMatchObject([{ text: 'It is sunny.' }]);
  expect(log.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
});

describe('a callback that hangs', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is awaited for 30 s, logged, and called again', async () => {
    const callback = new RecordingCallback();
    let isOver = false;
    const hanging = actingCallback(callback, () => new Promise<void>(() => {}));

    const running = runAgentOnce(new ScriptedAgent([text('Sunny.'), finish()]), {
      callback: hanging,
      timeoutMs: 240_000,
    }).finally(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(29_999);
    expect(callback.calls).toEqual(['onAgentStart']);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate']);
    await vi.advanceTimersByTimeAsync(2);
    expect(callback.calls).toEqual(['onAgentStart', 'onStreamingResponseUpdate', 'onAgentResponse']);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(30_000);

    const { response, log } = await running;
    expect(response.messages?.[0]?.contents).toMatchObject([{ text: 'Sunny.' }]);
    expect(log.lines.filter((line) => line.startsWith('warn') && line.includes('longer than 30 s'))).toHaveLength(3);
  });

  it('and returns later is not called twice, and its late error is logged as such', async () => {
    const rejecting = actingCallback(new RecordingCallback(), rejectLate);

    const running = runAgentOnce(new ScriptedAgent([text('Sunny.'), finish()]), {
      callback: rejecting,
      timeoutMs: 240_000,
    });
    await vi.advanceTimersByTimeAsync(180_000);

    const { log } = await running;
    const warnings = log.lines
      .filter((line) => line.startsWith('warn'))
      .map((line) => line.replace(/^.*callback /, ''));
    expect(warnings.slice(0, 2)).toEqual([
      'onAgentStart took longer than 30 s; the run continues without it (thread thread-1)',
      'onAgentStart threw after that: Error: too late (thread thread-1)',
    ]);
  });

  it('and rejects later does no harm', async () => {
    const running = runAgentOnce(new ScriptedAgent([text('Sunny.'), finish()]), {
      callback: actingCallback(new RecordingCallback(), rejectLate),
      timeoutMs: 240_000,
    });
    await vi.advanceTimersByTimeAsync(180_000);

    expect((await running).response.messages?.[0]?.contents).toMatchObject([{ text: 'Sunny.' }]);
  });
});

const rejectLate = (): Promise<void> =>
  new Promise((_resolve, reject) => void setTimeout(reject, 40_000, new Error('too late')));
