import { describe, expect, it } from 'vitest';
import { ConversationAuditTrail } from '../../../src/audit/recording/conversation-audit-trail.js';
import { jsonsOf } from '../../support/served-events.js';
import { StoreHealth } from '../../../src/audit/recording/store-health.js';
import { MemoryEventStore } from '../../../src/audit/store/memory/memory-event-store.js';
import { AgentError, type AgentResponse } from '../../../src/durable-agents/index.js';
import { callbackContext } from '../../support/callback-context.js';
import { createRecordingLog } from '../../support/recording-log.js';

const log = createRecordingLog();
const context = callbackContext({ threadId: 'test-thread-00', log });

const answer: AgentResponse = {
  text: 'It is 72F and sunny.',
  messages: [{ role: 'assistant', contents: [{ $type: 'text', text: 'It is 72F and sunny.' }] }],
  finishReason: 'stop',
  usage: { inputTokenCount: 59, outputTokenCount: 14, totalTokenCount: 73 },
};

const aboutRun = {
  timestamp: '2026-01-07T15:40:02.007Z',
  agent_name: 'CallbackAgent',
  thread_id: 'test-thread-00',
  correlation_id: '59650737951c41c2ab743c21cb257349',
  request_message: 'What is the weather in Paris?',
};

const bounds = { maxThreads: 10, maxEventsPerThread: 10, maxBytes: 100_000 };

function createTrail({ previewChars = 120, updates = true } = {}) {
  log.lines.splice(0);
  const store = new MemoryEventStore({ ...bounds, log });
  const trail = new ConversationAuditTrail({
    store,
    health: new StoreHealth(store),
    log: { updates, previewChars },
    now: () => new Date(aboutRun.timestamp),
  });
  const storedJson = async () => {
    // The trail does not wait for its writes.
    await new Promise(setImmediate);
    return `[${jsonsOf(await store.list(context)).join(',')}]`;
  };
  return { trail, store, storedJson };
}

describe('ConversationAuditTrail', () => {
  // Comparing texts also compares the order of the fields.
  it.each(['text', 'reasoning'] as const)('records an update of kind %s as a stream event', async (kind) => {
    const { trail, storedJson } = createTrail();
    await trail.onStreamingResponseUpdate({ kind, text: 'It is' }, context);
    expect(await storedJson()).toBe(
      JSON.stringify([
        {
          ...aboutRun,
          event_type: 'stream',
          update_kind: kind,
          text: 'It is',
          run_started_at: context.requestedAt,
          attempt: 1,
          sequence: 1,
        },
      ]),
    );
  });

  it('records an answer as a final event with its usage', async () => {
    const { trail, storedJson } = createTrail();
    await trail.onAgentResponse(answer, context);
    expect(await storedJson()).toBe(
      JSON.stringify([
        {
          ...aboutRun,
          event_type: 'final',
          response_text: 'It is 72F and sunny.',
          usage: { type: 'usage_details', input_token_count: 59, output_token_count: 14, total_token_count: 73 },
          finish_reason: 'stop',
          run_started_at: context.requestedAt,
          attempt: 1,
          sequence: 1,
        },
      ]),
    );
  });

  it('records token counts that only some models report after the others', async () => {
    const { trail, storedJson } = createTrail();
    const extra = { cached_input_token_count: 40, reasoning_output_token_count: 8 };
    await trail.onAgentResponse(
      { ...answer, usage: { inputTokenCount: 1, outputTokenCount: 2, totalTokenCount: 3, extra } },
      context,
    );
    expect(await storedJson()).toContain(
      '"usage":{"type":"usage_details","input_token_count":1,"output_token_count":2,"total_token_count":3,' +
        '"cached_input_token_count":40,"reasoning_output_token_count":8}',
    );
  });

  it('records that an answer has no usage, or was cut at the token limit', async () => {
    const { trail, storedJson } = createTrail();
    await trail.onAgentResponse({ text: 'It', messages: [], finishReason: 'length' }, context);
    expect(await storedJson()).toContain('"response_text":"It","usage":null,"finish_reason":"length"');
  });

  it('records how many turns the model did not get', async () => {
    const { trail, storedJson } = createTrail();
    await trail.onAgentResponse({ text: 'It', messages: [], finishReason: 'stop', omittedTurnCount: 3 }, context);
    expect(await storedJson()).toContain('"finish_reason":"stop","omitted_turn_count":3');
  });

  it('records a failed run as a failed event', async () => {
    const { trail, storedJson } = createTrail();
    await trail.onAgentError(new AgentError('rate_limited', 'The model is over its rate limit.'), context);
    expect(await storedJson()).toBe(
      JSON.stringify([
        {
          ...aboutRun,
          event_type: 'failed',
          error_code: 'rate_limited',
          error_message: 'The model is over its rate limit.',
          run_started_at: context.requestedAt,
          attempt: 1,
          sequence: 1,
        },
      ]),
    );
  });

  it('records how many turns a failed second try left out', async () => {
    const { trail, storedJson } = createTrail();
    const error = new AgentError('context_length_exceeded', 'Too long.', { omittedTurnCount: 3 });
    await trail.onAgentError(error, context);
    expect(await storedJson()).toContain('"error_message":"Too long.","omitted_turn_count":3');
  });

  it('logs one line per call with agent and correlation id', async () => {
    const { trail } = createTrail();
    await trail.onStreamingResponseUpdate({ kind: 'text', text: 'It is' }, context);
    await trail.onAgentResponse(answer, context);
    await trail.onAgentError(new AgentError('rate_limited', 'Too many.'), context);
    expect(log.lines).toEqual([
      'info [CallbackAgent][59650737951c41c2ab743c21cb257349] streaming chunk: It is',
      'info [CallbackAgent][59650737951c41c2ab743c21cb257349] final response recorded',
      'warn [CallbackAgent][59650737951c41c2ab743c21cb257349] failure recorded: rate_limited',
    ]);
  });

  it('logs tool calls and their results', async () => {
    const { trail } = createTrail();
    const about = { text: '', callId: 'call-1', toolName: 'get_weather' } as const;
    await trail.onStreamingResponseUpdate({ kind: 'tool_call', ...about, arguments: { location: 'Paris' } }, context);
    await trail.onStreamingResponseUpdate(
      { kind: 'tool_result', ...about, result: 'sunny', isError: false, durationMs: 12 },
      context,
    );
    expect(log.lines).toEqual([
      `info [CallbackAgent][${context.correlationId}] calls get_weather: {"location":"Paris"}`,
      `info [CallbackAgent][${context.correlationId}] get_weather returned after 12 ms: "sunny"`,
    ]);
  });

  it('logs only the outcome if updates are not logged', async () => {
    const { trail } = createTrail({ updates: false });
    await trail.onStreamingResponseUpdate({ kind: 'text', text: 'It is' }, context);
    await trail.onAgentResponse(answer, context);
    expect(log.lines).toEqual([`info [CallbackAgent][${context.correlationId}] final response recorded`]);
  });

  it.each([
    ['a short text', 'Hello', 10, 'Hello'],
    ['a long text, truncated', 'Hello world', 5, 'Hello'],
    ['a text that is truncated within a character', 'Hey 😀', 5, 'Hey \uFFFD'],
    ['line breaks and control characters', 'a\nb\r\nc\td\u001B[31m', 120, 'a b  c d [31m'],
    ['no content with a preview length of 0', 'secret', 0, '(6 characters)'],
  ])('logs %s on one line', async (_what, text, previewChars, expected) => {
    const { trail } = createTrail({ previewChars });
    await trail.onStreamingResponseUpdate({ kind: 'text', text }, context);
    expect(log.lines).toEqual([`info [CallbackAgent][${context.correlationId}] streaming chunk: ${expected}`]);
  });
});
