import { describe, expect, it } from 'vitest';
import { MAX_APPENDED_EVENTS } from '../../../../src/audit/store/callback-event-store.js';
import type { StoredEvent } from '../../../../src/audit/domain/stored-event.js';
import type { ThreadChange } from '../../../../src/audit/domain/thread-changes.js';
import { planCommit, type TableCommit } from '../../../../src/audit/store/table/table-commit.js';
import { runOf } from '../../../support/callback-events.js';

const MAX_BYTES = 4 * 1024 * 1024;
/** What stands around an action in the body of a transaction: its address, headers and boundary. */
const BYTES_AROUND = 700;

function plan(texts: readonly string[], requestMessage = 'Tell me a short joke'): TableCommit {
  const run = { ...runOf(), requestMessage, attempts: [] };
  const events = texts.map((text, index): StoredEvent => ({
    sequence: index + 1,
    correlationId: run.correlationId,
    attempt: 1,
    timestamp: '2026-01-07T15:40:02.123Z',
    eventType: 'stream',
    fields: `"event_type":"stream","update_kind":"text","text":${JSON.stringify(text)}`,
  }));
  const head = { epoch: 'abcd1234', version: 2, generation: 0, oldestSequence: 1, newestSequence: events.length };
  const change: ThreadChange = { head, run, isNewMessage: true, events };
  return planCommit('CallbackAgent|thread-1', 'a tag', change, 'token');
}

describe('a commit to a table', () => {
  it.each([
    ['one event', ['a']],
    ['as many events as are appended at once', Array.from({ length: MAX_APPENDED_EVENTS }, () => 'a')],
    ['a large event', ['a'.repeat(5 * 1024 * 1024)]],
    ['events that are large together', Array.from({ length: 50 }, () => 'ä'.repeat(66_000))],
    ['many events that are escaped', Array.from({ length: MAX_APPENDED_EVENTS }, () => '\u0001'.repeat(30_000))],
    ['many events that are large', Array.from({ length: MAX_APPENDED_EVENTS }, () => 'a'.repeat(90_000))],
  ])('of %s is made of transactions that the service takes', (_what, texts) => {
    const { parts, actions } = plan(texts, 'm'.repeat(1024 * 1024));
    for (const transaction of [...parts, actions]) {
      expect(transaction.length).toBeLessThanOrEqual(100);
      const bytes = transaction.reduce(
        (sum, action) => sum + Buffer.byteLength(JSON.stringify(action)) + BYTES_AROUND,
        0,
      );
      expect(bytes).toBeLessThanOrEqual(MAX_BYTES);
    }
  });

  it('has the head first, under the condition that it is as it was', () => {
    const { actions } = plan(['a']);
    expect(actions[0]).toMatchObject(['update', { rowKey: 'head' }, 'Replace', { etag: 'a tag' }]);
  });

  it('has a row for each event', () => {
    expect(plan(['a', 'b']).actions.map(([, { rowKey }]) => rowKey)).toEqual([
      'head',
      'r|abcd1234|00000000000000000000000000000001',
      'e|000000000000001',
      'e|000000000000002',
    ]);
  });
});
