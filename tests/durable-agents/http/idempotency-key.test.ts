import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { correlationIdOfKey, threadIdOfKey } from '../../../src/durable-agents/http/idempotency-key.js';

describe('ids derived from an idempotency key', () => {
  it('are the same in every process and version', () => {
    expect(threadIdOfKey('CallbackAgent', 'order-1')).toBe('0b3e6370156133bbc33f0c9f7fe2183c');
    expect(correlationIdOfKey('CallbackAgent', 'thread-1', 'order-1')).toBe('3779d96237bec30a7d2efbebea5f0f15');
  });

  it('ignore the case of the agent name, but not that of other parts', () => {
    expect(threadIdOfKey('callbackagent', 'k')).toBe(threadIdOfKey('CallbackAgent', 'k'));
    expect(correlationIdOfKey('callbackagent', 't', 'k')).toBe(correlationIdOfKey('CallbackAgent', 't', 'k'));
    expect(threadIdOfKey('A', 'k')).not.toBe(threadIdOfKey('A', 'K'));
    expect(correlationIdOfKey('A', 't', 'k')).not.toBe(correlationIdOfKey('A', 'T', 'k'));
  });

  it('differ if any part differs, even if the joined parts are equal', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '"', ',', '\\', '/') });
    const parts = fc.tuple(part, part, part);
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const isSame = one.every((word, index) => word === other[index]);
        expect(correlationIdOfKey(...one) === correlationIdOfKey(...other)).toBe(isSame);
      }),
    );
  });

  it('differ between a thread and a run', () => {
    expect(threadIdOfKey('a', 'k')).not.toBe(correlationIdOfKey('a', 'k', 'k'));
  });
});
