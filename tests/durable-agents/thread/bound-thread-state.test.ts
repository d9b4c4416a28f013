import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boundOpenState,
  boundThreadState,
  fitsInState,
} from '../../../src/durable-agents/thread/bound-thread-state.js';
import {
  parseThreadState,
  type ThreadContent,
  type ThreadEntry,
  type ThreadState,
} from '../../../src/durable-agents/thread/thread-state.js';
import { anyText } from '../../support/any-text.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const now = new Date('2026-11-28T10:00:00.000Z');
const text = (value: string) => ({ $type: 'text' as const, text: value });
const result = (value: unknown) => ({ $type: 'functionResult' as const, callId: 'c', result: value });
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
const bound = (state: ThreadState, maxBytes: number) => boundThreadState(state, maxBytes, now);

function turns(count: number, answerLength = 100): ThreadEntry[] {
  return Array.from({ length: count }, (_, index) =>
    turnEntries(`run-${index + 1}`, `Question ${index + 1}`, text('a'.repeat(answerLength))),
  ).flat();
}

const runsOf = ({ data }: ThreadState) => [...new Set(data.conversationHistory.map((entry) => entry.correlationId))];

const contentsOf = ({ data }: ThreadState): ThreadContent[] =>
  data.conversationHistory.flatMap(({ messages = [] }) => messages.flatMap(({ contents = [] }) => contents));

describe('a state that fits', () => {
  it('does not change', () => {
    const state = threadState(...turns(3));
    expect(bound(state, bytesOf(state))).toEqual({ state, droppedTurns: [], isCut: false });
  });
});

describe('a state that is too large', () => {
  it('loses its oldest complete turns, and records how many and when', () => {
    const state = threadState(...turns(10));

    const { state: bounded, droppedTurns, isCut } = bound(state, 2000);

    expect(bytesOf(bounded)).toBeLessThanOrEqual(2000);
    expect(runsOf(bounded)).toEqual(['run-7', 'run-8', 'run-9', 'run-10']);
    expect(droppedTurns.map(([request]) => request?.correlationId)).toHaveLength(6);
    expect(bounded.schemaVersion).toBe('1.2.0');
    expect(bounded.data.truncation).toEqual({
      evictedMessageCount: 12,
      firstEvictedAt: now.toISOString(),
      lastEvictedAt: now.toISOString(),
    });
    expect(isCut).toBe(false);
    expect(parseThreadState(JSON.parse(JSON.stringify(bounded)))).toEqual(bounded);
  });

  it('adds to earlier drops, and keeps a higher version and data of others', () => {
    const firstEvictedAt = '2026-01-01T00:00:00.000Z';
    const state = parseThreadState({
      schemaVersion: '1.10.0',
      data: {
        conversationHistory: turns(10),
        truncation: { evictedMessageCount: 6, firstEvictedAt, lastEvictedAt: firstEvictedAt, why: 'x' },
        session: { id: 1 },
      },
    });

    expect(bound(state, 2000).state).toMatchObject({
      schemaVersion: '1.10.0',
      data: {
        truncation: { evictedMessageCount: 18, firstEvictedAt, lastEvictedAt: now.toISOString(), why: 'x' },
        session: { id: 1 },
      },
    });
  });

  it('keeps the newest turn, and as many others as fit, whatever they contain', () => {
    const turn = fc.tuple(anyText({ maxLength: 400 }), anyText({ maxLength: 400 }));
    const history = fc
      .array(turn, { minLength: 1, maxLength: 12 })
      .map((all) => all.flatMap(([asked, answered], index) => turnEntries(`run-${index}`, asked, text(answered))));
    fc.assert(
      fc.property(history, fc.integer({ min: 4500, max: 12_000 }), (entries, maxBytes) => {
        const { state: bounded, droppedTurns } = bound(threadState(...entries), maxBytes);
        expect(bytesOf(bounded)).toBeLessThanOrEqual(maxBytes);
        expect([...droppedTurns.flat(), ...bounded.data.conversationHistory]).toEqual(entries);
        const oneMore = threadState(...(droppedTurns.at(-1) ?? []), ...bounded.data.conversationHistory);
        // The list of dropped turns takes some space too.
        expect(droppedTurns.length === 0 || bytesOf(oneMore) + 200 > maxBytes).toBe(true);
      }),
    );
  });
});

describe('a newest turn that alone is too large', () => {
  const call = { $type: 'functionCall' as const, callId: 'c', name: 'search', arguments: { q: 'x' } };

  it('loses the end of its tool results before the end of its answer', () => {
    const answer = text('b'.repeat(1000));
    const state = threadState(
      ...turns(2),
      ...turnEntries('run-3', 'Find it', call, result('r'.repeat(50_000)), answer),
    );

    const { state: bounded, droppedTurns, isCut } = bound(state, 8000);

    expect(bytesOf(bounded)).toBeLessThanOrEqual(8000);
    expect(bytesOf(bounded)).toBeGreaterThan(7500);
    expect([runsOf(bounded), droppedTurns.length, isCut]).toEqual([['run-3'], 2, true]);
    const [question, kept, cut, said] = contentsOf(bounded);
    expect([question, kept, said]).toEqual([text('Find it'), call, answer]);
    expect(cut).toMatchObject({
      $type: 'functionResult',
      callId: 'c',
      result: expect.stringMatching(/^r+… \[cut: .*AGENT_MAX_STATE_BYTES\]$/),
      extensionData: { truncated: true, byteLength: 50_051 },
    });
  });

  it('loses the end of its answer if that is not enough', () => {
    const state = threadState(
      ...turnEntries('run-1', 'Find it', call, result({ rows: 'r'.repeat(5000) }), text('🌞'.repeat(20_000))),
    );

    const { state: bounded, isCut } = bound(state, 8000);

    expect(bytesOf(bounded)).toBeLessThanOrEqual(8000);
    expect(isCut).toBe(true);
    const [, , cut, said] = contentsOf(bounded);
    expect(cut).toMatchObject({ result: expect.stringMatching(/^\{"rows":"r+… \[cut/) });
    expect(said).toMatchObject({ text: expect.stringMatching(/^(🌞)+… \[cut/u) });
    expect(parseThreadState(JSON.parse(JSON.stringify(bounded)))).toEqual(bounded);
  });

  it('fits after any truncation, with its request intact, if its message was accepted', () => {
    const content = fc.oneof(
      anyText({ maxLength: 4000 }).map(text),
      fc.jsonValue().map(result),
      anyText({ maxLength: 4000 }).map(result),
      fc.string({ maxLength: 5000 }).map((q) => ({ ...call, arguments: { q } })),
    );
    fc.assert(
      fc.property(anyText({ maxLength: 2000 }), fc.array(content, { maxLength: 4 }), (message, contents) => {
        fc.pre(fitsInState(message, 6144));
        const { state } = bound(threadState(...turnEntries('run-1', message, ...contents)), 6144);
        expect(bytesOf(state)).toBeLessThanOrEqual(6144);
        expect(contentsOf(state)[0]).toEqual(text(message));
        expect(parseThreadState(JSON.parse(JSON.stringify(state)))).toEqual(JSON.parse(JSON.stringify(state)));
      }),
    );
  });
});

const open = (state: ThreadState, maxBytes: number) => boundOpenState(state, maxBytes, now);

const extensionOf = ({ data }: { data: { extensionData: unknown } }) => ({ extensionData: data.extensionData });

describe('a state with an open run', () => {
  it('does not change if it fits', () => {
    const state = threadState(...turns(2));

    expect(open(state, bytesOf(state))).toEqual({ state, droppedTurns: [], isCut: false });
  });

  it('may lose all of its turns, but no other data', () => {
    const state = threadState(...turns(2));
    const withRun = { ...state, data: { ...state.data, extensionData: { waitingRun: 'w'.repeat(1000) } } };

    const bounded = open(withRun, 1400);

    expect(bounded).toMatchObject({
      isCut: false,
      state: { data: { conversationHistory: [], ...extensionOf(withRun) } },
    });
    expect(bounded?.droppedTurns).toHaveLength(2);
    expect(open(withRun, 1000)).toBeUndefined();
  });

  it('is as large as the limit at most, to the byte', () => {
    const state = threadState(...turns(4));
    const bounded = open(state, bytesOf(state) - 1);
    const size = bytesOf(bounded?.state);

    expect(bounded?.droppedTurns).toHaveLength(1);
    expect(open(state, size)?.droppedTurns).toHaveLength(1);
    expect(open(state, size - 1)?.droppedTurns).toHaveLength(2);
  });
});

describe('the record of dropped turns', () => {
  it('keeps a later version, and counts at least one message', () => {
    const [request] = turnEntries('run-1', 'q'.repeat(3000));
    const state = { ...threadState({ $type: 'response' }, ...(request ? [request] : [])), schemaVersion: '1.3.0' };

    const bounded = bound(state, bytesOf(state) - 1).state;

    expect(bounded.schemaVersion).toBe('1.3.0');
    expect(bounded.data.truncation?.evictedMessageCount).toBe(1);
  });
});

describe('a message', () => {
  it('fits if its JSON leaves 2048 bytes for the rest', () => {
    expect(fitsInState('ü'.repeat(100), 202 + 2048)).toBe(true);
    expect(fitsInState('ü'.repeat(100), 202 + 2047)).toBe(false);
  });
});
