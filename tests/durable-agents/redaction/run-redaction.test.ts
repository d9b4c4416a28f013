import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConversationAuditTrail } from '../../../src/audit/recording/conversation-audit-trail.js';
import { StoreHealth } from '../../../src/audit/recording/store-health.js';
import { composeCallbacks } from '../../../src/durable-agents/compose-callbacks.js';
import { AgentError } from '../../../src/durable-agents/errors.js';
import { builtInRedactors } from '../../../src/durable-agents/redaction/built-in-redactors.js';
import { Redaction } from '../../../src/durable-agents/redaction/redaction.js';
import { redactedLog, RunRedaction } from '../../../src/durable-agents/redaction/run-redaction.js';
import type { RunAgentOptions } from '../../../src/durable-agents/run-agent.js';
import { finish, reasoning, text } from '../../support/agent-parts.js';
import { createMemoryStore } from '../../support/memory-store.js';
import { RecordingCallback } from '../../../src/durable-agents/testing/recording-callback.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { RecordingTracer } from '../../support/recording-tracer.js';
import { runAgentOnce } from '../../support/run-agent-once.js';
import { runRequest } from '../../support/run-request.js';
import { type Attempt, ScriptedAgent } from '../../support/scripted-agent.js';
import { cutAt, cuts, textWithSecrets } from '../../support/secrets.js';
import { jsonsOf } from '../../support/served-events.js';

const redaction = new Redaction(Object.values(builtInRedactors));

/** Runs an agent once with all sinks of the app, and returns the data that each received. */
async function sinksOf(attempt: Attempt, options: Partial<RunAgentOptions> = {}) {
  const store = createMemoryStore();
  const recordedLog = createRecordingLog();
  const log = redactedLog(recordedLog, redaction);
  const trail = new ConversationAuditTrail({
    store,
    health: new StoreHealth(store),
    log: { updates: true, previewChars: 10_000 },
  });
  const callback = new RecordingCallback();
  const tracer = new RecordingTracer();
  const agent = new ScriptedAgent(attempt);
  const { response } = await runAgentOnce(agent, {
    callback: composeCallbacks(callback, trail),
    tracer,
    redaction,
    ...options,
    log,
  });
  const events = jsonsOf(await store.list({ agentName: agent.name, threadId: 'thread-1' })).map(
    (json): Record<string, unknown> => JSON.parse(json),
  );
  return { agent, callback, tracer, response, events, log: recordedLog.lines };
}

const textOf = (events: readonly Record<string, unknown>[]): string =>
  events.map((event) => (event['update_kind'] === 'text' ? String(event['text']) : '')).join('');

describe('a redacted run', () => {
  it('reveals no secret to any sink, however its answer is split, and event texts join to the answer', async () => {
    await fc.assert(
      fc.asyncProperty(textWithSecrets, textWithSecrets, cuts, async (question, answer, places) => {
        const parts = [
          ...cutAt(`Thinking of ${question.text}`, places).map(reasoning),
          ...cutAt(answer.text, places).map(text),
        ];
        const { callback, tracer, events, log } = await sinksOf([...parts, finish()], {
          request: runRequest({ message: question.text }),
        });
        const shown = JSON.stringify([events, log, callback, tracer.calls]);
        for (const secret of [...question.secrets, ...answer.secrets]) expect(shown).not.toContain(secret);
        expect(textOf(events)).toBe(redaction.text(answer.text));
        expect(events.at(-1)).toMatchObject({ event_type: 'final', response_text: redaction.text(answer.text) });
      }),
    );
  });

  it('sends the original to the model, and keeps the original answer in the conversation', async () => {
    const message = 'I am ada@example.com';
    const { agent, response } = await sinksOf([text('Hello ada@example.com.'), finish()], {
      request: runRequest({ message }),
    });
    expect(agent.calls[0]?.messages.at(-1)?.contents).toEqual([{ $type: 'text', text: message }]);
    expect(response.messages?.[0]?.contents).toEqual([{ $type: 'text', text: 'Hello ada@example.com.' }]);
  });

  it('keeps the redacted answer in the conversation on request', async () => {
    const { response } = await sinksOf([text('Hello ada@'), text('example.com.'), finish()], { redactAnswers: true });
    expect(response.messages?.[0]?.contents).toEqual([{ $type: 'text', text: 'Hello [redacted:email].' }]);
  });

  it('flushes held-back text at the end of its kind and at the end of the run', async () => {
    const { callback } = await sinksOf([reasoning('Think'), text('Hel'), text('lo'), finish()]);
    expect(callback.updates).toEqual([reasoning('Think'), text('Hello')]);
    expect(callback.calls.at(-1)).toBe('onAgentResponse');
  });

  it('flushes held-back text of a failed run, without the secret that the failure cut off', async () => {
    const failure = new AgentError('connection_lost', 'Lost ada@example.com.', {
      cause: new Error('key sk-0123456789abcdef'),
    });
    const { callback, response, events, log } = await sinksOf([text('Your key is sk-01234'), text('56789'), failure]);
    expect(callback.updates.map((update) => update.text).join('')).toBe('Your key is [redacted:api_key]');
    expect(callback.errors).toMatchObject([{ code: 'connection_lost', message: 'Lost [redacted:email].' }]);
    expect(JSON.stringify(response)).toContain('Lost ada@example.com.');
    expect(JSON.stringify([events, log, callback.errors.map(({ cause }) => String(cause))])).not.toMatch(/sk-0|ada@/);
  });
});

describe('the updates of a redacted run', () => {
  const call = {
    kind: 'tool_call',
    text: '',
    callId: 'a',
    toolName: 'note',
    arguments: { to: ['ada@example.com'] },
  } as const;
  const result = {
    kind: 'tool_result',
    text: '',
    callId: 'a',
    toolName: 'note',
    result: { to: 'ada@example.com' },
    isError: false,
    durationMs: 1,
  } as const;
  const approval = {
    kind: 'approval',
    text: '',
    approvalId: 'id',
    callId: 'a',
    toolName: 'note',
    arguments: { to: 'ada@example.com' },
    state: 'rejected',
    expiresAt: 'later',
  } as const;

  it('have redacted arguments, results and reasons, and are frozen', () => {
    const one = new RunRedaction(redaction);
    const updates = [call, result, approval, { ...approval, reason: 'Ask ada@example.com' }].flatMap((update) => [
      ...one.push(update),
    ]);

    expect(updates).toEqual([
      { ...call, arguments: { to: ['[redacted:email]'] } },
      { ...result, result: { to: '[redacted:email]' } },
      { ...approval, arguments: { to: '[redacted:email]' } },
      { ...approval, arguments: { to: '[redacted:email]' }, reason: 'Ask [redacted:email]' },
    ]);
    for (const update of updates) expect(Object.isFrozen(update)).toBe(true);
    expect(updates[2]).not.toHaveProperty('reason');
  });

  it('hold back text until another kind begins or the run ends', () => {
    const one = new RunRedaction(redaction);

    expect(one.push({ ...text('Hello ada'), round: 2 })).toEqual([{ ...text('Hello '), round: 2 }]);
    expect(one.push(text('@'))).toEqual([]);
    expect(one.push(reasoning('Hm. '))).toEqual([text('ada@'), reasoning('Hm. ')]);
    expect(one.push(text('Bob'))).toEqual([]);
    expect(one.push(call).map(({ kind }) => kind)).toEqual(['text', 'tool_call']);
    expect(one.end()).toEqual([]);
    expect(one.push(reasoning('Ok'))).toEqual([]);
    expect(one.end()).toEqual([reasoning('Ok')]);
  });

  it('join to the text of the answer, from the last call on and without reasoning', () => {
    const one = new RunRedaction(redaction);
    for (const update of [
      text('Let me see. '),
      call,
      reasoning('Hm. '),
      text('Write to ada@example.com. '),
      text('Ok'),
    ]) {
      one.push(update);
    }
    one.end();

    const messages = [{ role: 'assistant' as const, contents: [{ $type: 'text' as const, text: 'ada@example.com' }] }];
    expect(one.response({ text: 'original', messages, finishReason: 'stop' })).toEqual({
      text: 'Write to [redacted:email]. Ok',
      messages: [{ role: 'assistant', contents: [{ $type: 'text', text: '[redacted:email]' }] }],
      finishReason: 'stop',
    });
  });

  it('end with a redacted error, whose cause is its text', () => {
    const error = new AgentError('connection_lost', 'Lost ada@example.com.', {
      cause: new TypeError('key sk-0123456789abcdef'),
      retryAfterSeconds: 7,
    });

    const shown = new RunRedaction(redaction).error(error);

    expect(shown).toMatchObject({
      code: 'connection_lost',
      message: 'Lost [redacted:email].',
      retryAfterSeconds: 7,
      cause: new Error('TypeError: key [redacted:api_key]'),
    });
    expect(new RunRedaction(redaction).error(new AgentError('a', 'b')).cause).toBeUndefined();
  });
});

it('a redacted log redacts each level', () => {
  const log = createRecordingLog();
  const redacted = redactedLog(log, redaction);
  for (const level of ['info', 'warn', 'error'] as const) redacted[level]('to ada@example.com');

  expect(log.lines).toEqual(['info to [redacted:email]', 'warn to [redacted:email]', 'error to [redacted:email]']);
});
