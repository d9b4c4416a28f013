import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  estimateTokens,
  type HistoryLimits,
  HistoryWindow,
} from '../../../src/durable-agents/thread/history-window.js';
import type { ThreadContent, ThreadEntry, ThreadMessage } from '../../../src/durable-agents/thread/thread-state.js';
import { turnEntries } from '../../support/thread-entries.js';

const text = (value: string) => ({ $type: 'text' as const, text: value });
const message = (...contents: ThreadContent[]): ThreadMessage => ({ role: 'user', contents });

/** This number of turns of 8 characters each: `Q1..` and `A1..`. */
function turns(count: number): ThreadEntry[] {
  return Array.from({ length: count }, (_, index) =>
    turnEntries(`run-${index + 1}`, `Q${index + 1}..`, text(`A${index + 1}..`)),
  ).flat();
}

const request = [message(text('R...'))];

const windowOf = (history: readonly ThreadEntry[], limits: HistoryLimits = {}) =>
  HistoryWindow.select(history, request, limits);

const textsOf = (window: HistoryWindow | undefined) =>
  window?.messages.flatMap(({ contents }) => contents.map((content) => (content.$type === 'text' ? content.text : '')));

describe('the part of a conversation that the model gets', () => {
  it('is all of it by default, up to 200 turns including the request', () => {
    expect(windowOf(turns(199))).toMatchObject({ omittedTurnCount: 0 });
    const window = windowOf(turns(201));
    expect(window.messages).toHaveLength(199 * 2 + 1);
    expect(window.omittedTurnCount).toBe(2);
  });

  it.each([
    [1, ['R...'], 3],
    [2, ['Q3..', 'A3..', 'R...'], 2],
    [4, ['Q1..', 'A1..', 'Q2..', 'A2..', 'Q3..', 'A3..', 'R...'], 0],
  ])('is the newest %i turns if that is the limit', (maxTurns, texts, omitted) => {
    const window = windowOf(turns(3), { maxTurns });
    expect([textsOf(window), window.omittedTurnCount]).toEqual([texts, omitted]);
  });

  it.each([
    // Each text is one token, so a turn has two.
    [4, ['Q3..', 'A3..', 'R...']],
    [5, ['Q2..', 'A2..', 'Q3..', 'A3..', 'R...']],
    [1, ['R...']],
  ])('is what fits into %i tokens including the request', (maxTokens, texts) => {
    expect(textsOf(windowOf(turns(3), { maxTokens }))).toEqual(texts);
  });

  it('is the request alone if that is larger than the limit', () => {
    expect(textsOf(windowOf(turns(3), { maxTokens: 1, countTokens: () => 10 }))).toEqual(['R...']);
  });

  it('is measured by the given counter', () => {
    expect(textsOf(windowOf(turns(3), { maxTokens: 30, countTokens: () => 10 }))).toEqual(['Q3..', 'A3..', 'R...']);
  });

  it('omits failed turns, which do not count', () => {
    const failed = turnEntries('run-f', 'Failed', { $type: 'error', message: 'No.', errorCode: 'model_error' });
    const window = windowOf([...turns(2), ...failed], { maxTurns: 3 });
    expect([textsOf(window), window.omittedTurnCount]).toEqual([['Q1..', 'A1..', 'Q2..', 'A2..', 'R...'], 0]);
  });

  it('keeps tool calls with their results', () => {
    const call = { $type: 'functionCall' as const, callId: 'c', name: 'f', arguments: {} };
    const result = { $type: 'functionResult' as const, callId: 'c', result: 'x' };
    const history = fc
      .array(fc.boolean(), { maxLength: 12 })
      .map((withTool) =>
        withTool.flatMap((isCall, index) =>
          turnEntries(`run-${index}`, 'Q', ...(isCall ? [call, result] : []), text('A')),
        ),
      );
    fc.assert(
      fc.property(
        history,
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 12 }),
        (entries, tokens, count) => {
          const { messages } = windowOf(entries, { maxTokens: tokens, maxTurns: count });
          const kinds = messages.flatMap(({ contents }) => contents.map(({ $type }) => $type));
          const calls = kinds.filter((kind) => kind === 'functionCall').length;
          expect(kinds.filter((kind) => kind === 'functionResult')).toHaveLength(calls);
          expect(messages[0]?.role).toBe('user');
        },
      ),
    );
  });
});

describe('half of the history', () => {
  it('consists of the newest turns with half of the tokens', () => {
    const half = windowOf(turns(4)).half();
    expect([textsOf(half), half?.omittedTurnCount]).toEqual([['Q3..', 'A3..', 'Q4..', 'A4..', 'R...'], 2]);
  });

  it('is the request alone if the newest turn has more than half of the tokens', () => {
    const long = turnEntries('run-long', 'Q'.repeat(100), text('A'));
    expect(textsOf(windowOf([...turns(2), ...long]).half())).toEqual(['R...']);
  });

  it('is always smaller', () => {
    expect(textsOf(windowOf(turns(3), { countTokens: () => 0 }).half())).toHaveLength(5);
  });

  it('does not exist if there is nothing but the request', () => {
    expect(windowOf([]).half()).toBeUndefined();
  });
});

describe('the estimate of tokens', () => {
  it.each([
    [message(text('')), 0],
    [message(text('abc'), text('de')), 2],
    [message({ $type: 'functionResult', callId: 'c', result: 'x'.repeat(400) }), 113],
  ])('is a quarter of the characters', (one, tokens) => {
    expect(estimateTokens(one)).toBe(tokens);
  });
});
