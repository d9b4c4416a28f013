import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { threadHash, threadPartition, threadsPartition } from '../../../src/durable-agents/thread/thread-identity.js';

describe('the stored keys of a thread', () => {
  it('contain a hash of 32 hex digits instead of the thread id', () => {
    const hash = createHash('sha256').update('Jürgen').digest('hex').slice(0, 32);

    expect(threadHash('Jürgen')).toBe(hash);
    expect(threadPartition({ agentName: 'Ann', threadId: 'Jürgen' })).toBe(`thread|Ann|${hash}`);
    expect(threadsPartition('Ann')).toBe('threads|Ann');
  });
});
