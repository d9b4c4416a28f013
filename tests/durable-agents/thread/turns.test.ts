import { describe, expect, it } from 'vitest';
import { turnsOf } from '../../../src/durable-agents/thread/turns.js';
import type { ThreadEntry } from '../../../src/durable-agents/thread/thread-state.js';

const entry = ($type: ThreadEntry['$type'], correlationId?: string): ThreadEntry => ({
  ...($type && { $type }),
  ...(correlationId && { correlationId }),
});

/** Each turn as the indexes of its entries. */
const placesOf = (...history: ThreadEntry[]) => turnsOf(history).map((turn) => turn.map((one) => history.indexOf(one)));

describe('the turns of a history', () => {
  it('consist of a request and its responses', () => {
    expect(
      placesOf(entry('request', 'a'), entry('response', 'a'), entry('request', 'b'), entry('errorResponse', 'b')),
    ).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('keep the entries of a run together even if others are interleaved', () => {
    expect(
      placesOf(entry('request', 'a'), entry('request', 'b'), entry('response', 'a'), entry('response', 'b')),
    ).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it('start with a request or a compaction if entries have no correlation id', () => {
    expect(placesOf(entry('compaction'), entry('request'), entry('response'), entry(undefined))).toEqual([
      [0],
      [1, 2, 3],
    ]);
  });

  it('include a leading response without a request as a turn', () => {
    expect(placesOf(entry('response'), entry('request', 'a'))).toEqual([[0], [1]]);
  });
});
