import { describe, expect, it } from 'vitest';
import type { AgentResponseCallback } from '../../src/durable-agents/agent-response-callback.js';
import { composeCallbacks } from '../../src/durable-agents/compose-callbacks.js';
import { AgentError } from '../../src/durable-agents/errors.js';
import { actingCallback } from '../support/acting-callback.js';
import { finish, text } from '../support/agent-parts.js';
import { callbackContext } from '../support/callback-context.js';
import { createGate } from '../support/gate.js';
import { RecordingCallback } from '../../src/durable-agents/testing/recording-callback.js';
import { runAgentOnce } from '../support/run-agent-once.js';
import { ScriptedAgent } from '../support/scripted-agent.js';

const sunny = [text('It is '), text('sunny.'), finish()];
const answered = ['onAgentStart', 'onStreamingResponseUpdate', 'onStreamingResponseUpdate', 'onAgentResponse'];
const ignore = (): void => undefined;
const rewrite = (given: object): void => void Object.assign(given, { text: 'Rewritten', messages: [] });

describe('composed callbacks', () => {
  it('receive every call, one callback after another', async () => {
    const trace: string[] = [];
    const tracing = (name: string) =>
      actingCallback(new RecordingCallback(), (method) => void trace.push(`${name} ${method}`));

    await runAgentOnce(new ScriptedAgent(sunny), { callback: composeCallbacks(tracing('first'), tracing('second')) });

    expect(trace).toEqual(answered.flatMap((method) => [`first ${method}`, `second ${method}`]));
  });

  it('receive a failure', async () => {
    const [first, second] = [new RecordingCallback(), new RecordingCallback()];

    await runAgentOnce(new ScriptedAgent([new AgentError('rate_limited', 'Later.')]), {
      callback: composeCallbacks(first, second),
    });

    expect([first.errors, second.errors]).toMatchObject([[{ code: 'rate_limited' }], [{ code: 'rate_limited' }]]);
  });

  const faults: { how: string; act: () => void | Promise<void> }[] = [
    {
      how: 'throw',
      act: () => {
        throw new Error('disk full');
      },
    },
    { how: 'reject', act: () => Promise.reject(new Error('disk full')) },
  ];

  it.each(faults)('are all called if some $how, and each error is logged', async ({ act }) => {
    const recording = new RecordingCallback();
    const faulty = actingCallback(new RecordingCallback(), act);

    const { log } = await runAgentOnce(new ScriptedAgent(sunny), {
      callback: composeCallbacks(faulty, recording, faulty),
    });

    expect(recording.calls).toEqual(answered);
    const warnings = log.lines.filter((line) => line.startsWith('warn'));
    expect(warnings).toHaveLength(4);
    expect(warnings[0]).toMatch(/disk full.*disk full/);
  });

  it('are called without waiting for a slow one, but awaited before the next update', async () => {
    const gate = createGate();
    const recording = new RecordingCallback();
    const slow: AgentResponseCallback = {
      onStreamingResponseUpdate: async () => void (await gate.opened),
      onAgentResponse: ignore,
    };

    const running = runAgentOnce(new ScriptedAgent(sunny), { callback: composeCallbacks(slow, recording) });
    await expect.poll(() => recording.updates).toHaveLength(1);
    await new Promise(setImmediate);
    expect(recording.updates).toHaveLength(1);
    gate.open();
    await running;

    expect(recording.calls).toEqual(answered);
  });

  it('cannot modify the arguments of others', async () => {
    const recording = new RecordingCallback();
    const rewriting: AgentResponseCallback = { onStreamingResponseUpdate: rewrite, onAgentResponse: rewrite };

    await runAgentOnce(new ScriptedAgent(sunny), { callback: composeCallbacks(rewriting, recording) });

    expect(recording.updates).toEqual([text('It is '), text('sunny.')]);
    expect(recording.responses).toMatchObject([{ text: 'It is sunny.', messages: [{ role: 'assistant' }] }]);
  });

  it('are synchronous if all of them are', () => {
    const context = callbackContext();
    const silent: AgentResponseCallback = { onStreamingResponseUpdate: ignore, onAgentResponse: ignore };

    expect(composeCallbacks(silent, silent).onStreamingResponseUpdate(text('a'), context)).toBeUndefined();
    expect(composeCallbacks(new RecordingCallback()).onStreamingResponseUpdate(text('a'), context)).toBeInstanceOf(
      Promise,
    );
  });

  it('may lack methods', () => {
    const context = callbackContext();
    const writtenInJavaScript: AgentResponseCallback = Object.create(null);
    const composed = composeCallbacks(writtenInJavaScript);

    expect(composed.onAgentStart?.(context)).toBeUndefined();
    expect(composed.onStreamingResponseUpdate(text('a'), context)).toBeUndefined();
    expect(composed.onAgentResponse({ text: '', messages: [], finishReason: 'stop' }, context)).toBeUndefined();
    expect(composed.onAgentSuspended?.(context)).toBeUndefined();
    expect(composed.onAgentError?.(new AgentError('a', 'b'), context)).toBeUndefined();
  });

  it('receive a wait', async () => {
    const callbacks = [new RecordingCallback(), new RecordingCallback()];

    await composeCallbacks(...callbacks).onAgentSuspended?.(callbackContext());

    expect(callbacks.map(({ calls }) => calls)).toEqual([['onAgentSuspended'], ['onAgentSuspended']]);
  });

  it('fail with the error of one, or with those of several', async () => {
    const context = callbackContext();
    const [thrown, rejected] = [new Error('thrown'), new Error('rejected')];
    const throwing = actingCallback(new RecordingCallback(), () => {
      throw thrown;
    });
    const rejecting = actingCallback(new RecordingCallback(), () => Promise.reject(rejected));

    await expect(composeCallbacks(new RecordingCallback(), rejecting).onAgentStart?.(context)).rejects.toBe(rejected);
    await expect(composeCallbacks(rejecting, throwing, rejecting).onAgentStart?.(context)).rejects.toMatchObject({
      name: 'AggregateError',
      message: '3 callbacks failed',
    });
  });
});
