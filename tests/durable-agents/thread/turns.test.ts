import { describe, expect, it } from 'vitest';
import { turnsOf } from '../../../src/durable-agents/thread/turns.js';
import type { ThreadEntry } from '../../../src/durable-agents/thread/thread-state.js';

const entry = ($type: ThreadEntry['$type'], correlationId?: string): ThreadEntry => ({
  ...($type && { $type }),
  ...(correlationId && { correlationId }),
});

/** Each turn as the places of its entries. */
const placesOf = (...history: ThreadEntry[]) => turnsOf(history).map((turn) => turn.map((one) => history.indexOf(one)));

describe('the turns of a history', () => {
  it('are a request and its responses each', () => {
    expect(
      placesOf(entry('request', 'a'), entry('response', 'a'), entry('request', 'b'), entry('errorResponse', 'b')),
    ).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('keep the entries of a run together that others come between', () => {
    expect(
      placesOf(entry('request', 'a'), entry('request', 'b'), entry('response', 'a'), entry('response', 'b')),
    ).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it('begin with a request or a compaction where entries have no correlation id', () => {
    expect(placesOf(entry('compaction'), entry('request'), entry('response'), entry(undefined))).toEqual([
      [0],
      [1, 2, 3],
    ]);
  });

  it('have a leading response without a request as one of their own', () => {
    expect(placesOf(entry('response'), entry('request', 'a'))).toEqual([[0], [1]]);
  });
});
