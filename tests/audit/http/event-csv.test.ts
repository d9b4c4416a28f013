import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallbackEvent } from '../../../src/audit/domain/callback-event.js';
import { CSV_HEADER, toCsvLine } from '../../../src/audit/http/event-csv.js';
import { anyText } from '../../support/any-text.js';
import {
  ANSWER,
  approvalEvent,
  failedEvent,
  finalEvent,
  finalEventWithoutUsage,
  pricedEvent,
  runId,
  servedEvent,
  streamEvent,
} from '../../support/callback-events.js';
import { readCsv } from '../../support/read-csv.js';

/** The fields of an event by column, as a CSV reader sees them. */
function fieldsOf(event: CallbackEvent): Record<string, string> {
  const [names = [], values = [], ...others] = readCsv(CSV_HEADER + toCsvLine(event));
  expect(others).toEqual([]);
  expect(values).toHaveLength(names.length);
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
}

const served = (words: string): CallbackEvent => servedEvent(streamEvent(words), { sequence: 1 });

const filled = (fields: Record<string, string>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));

const run = {
  sequence: '7',
  timestamp: '2026-01-07T15:40:02.123Z',
  agent_name: 'CallbackAgent',
  thread_id: 'thread-1',
  correlation_id: runId(1),
  request_message: 'Tell me a short joke',
  run_started_at: '2026-01-07T15:40:01.000Z',
  attempt: '1',
};

describe('an event in CSV', () => {
  it.each([
    ['an update', streamEvent('Why did'), { event_type: 'stream', update_kind: 'text', text: 'Why did' }],
    [
      'an answer',
      finalEvent('Why'),
      {
        event_type: 'final',
        response_text: 'Why',
        finish_reason: 'stop',
        input_token_count: '59',
        output_token_count: '14',
        total_token_count: '73',
      },
    ],
    [
      'an answer with a cost',
      pricedEvent({ amount: 0.0033, currency: 'USD' }),
      {
        event_type: 'final',
        response_text: ANSWER,
        finish_reason: 'stop',
        input_token_count: '59',
        output_token_count: '14',
        total_token_count: '73',
        cost: '0.0033',
        cost_currency: 'USD',
      },
    ],
    [
      'an answer without usage',
      finalEventWithoutUsage('Why'),
      { event_type: 'final', response_text: 'Why', finish_reason: 'stop' },
    ],
    [
      'a decision',
      approvalEvent(),
      {
        event_type: 'approval',
        call_id: 'call-1',
        tool_name: 'pay',
        arguments: '{"amount":20}',
        approval_id: 'a1',
        state: 'approved',
        expires_at: '2026-01-14T15:40:02.123Z',
        decided_at: '2026-01-07T15:40:02.123Z',
        decided_by: 'user-1',
        reason: 'It came late.',
        arguments_edited: 'true',
      },
    ],
    [
      'a failure',
      failedEvent(),
      { event_type: 'failed', error_code: 'stream_stalled', error_message: 'The model sent nothing.' },
    ],
  ])('has a column for each field of %s', (_what, event, expected) => {
    expect(filled(fieldsOf(servedEvent(event, { sequence: 7 })))).toEqual({ ...run, ...expected });
  });

  it('has columns for the attempt and the number of lost events', () => {
    const fields = fieldsOf(servedEvent(finalEvent(), { sequence: 7, attempt: 3, lostEvents: 12 }));
    expect(fields).toMatchObject({ attempt: '3', lost_events: '12' });
  });

  it('preserves any text, except for the apostrophe before a formula', () => {
    const text = fc
      .array(fc.oneof(anyText(), fc.constantFrom('"', '""', ',', '\r', '\n', '\r\n', '=', '+', '-', '@', '\t', '\0')))
      .map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, text, (words, message) => {
        const fields = fieldsOf({ ...served(words), request_message: message });
        for (const [field, given] of [
          [fields['text'], words],
          [fields['request_message'], message],
        ] as const) {
          expect(field === given || field === `'${given}`).toBe(true);
          expect(field).not.toMatch(/^[=+\-@]/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '=HYPERLINK("http://localhost","a,b")'])(
    'escapes the formula %j',
    (words) => {
      expect(fieldsOf(served(words))['text']).toBe(`'${words}`);
    },
  );

  it.each(["'=1", 'a=1', ' =1', '1-1', ''])('leaves %j unchanged', (words) => {
    expect(fieldsOf(served(words))['text']).toBe(words);
  });
});
