import { type DurableClient, type EntityId, EntityStateResponse } from 'durable-functions';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ThreadStateError } from '../../../src/durable-agents/errors.js';
import {
  agentEntityName,
  findThreadEntity,
  readThread,
  readThreadState,
} from '../../../src/durable-agents/thread/thread-entity.js';
import { UnavailableError } from '../../../src/functions/unavailable-error.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const state = threadState(...turnEntries('a', 'Hi', { $type: 'text', text: 'Hello' }));

/** A host with these states by entity key. Records the keys that are read. */
function hostWith(states: Readonly<Record<string, unknown>>) {
  const reads: string[] = [];
  const client: DurableClient = Object.assign(Object.create(null), {
    readEntityState: async ({ name, key }: EntityId) => {
      reads.push(`${name}|${key}`);
      return new EntityStateResponse(key in states, states[key]);
    },
  });
  return { client, reads };
}

const failingHost = (readEntityState: () => Promise<unknown>): DurableClient =>
  Object.assign(Object.create(null), { readEntityState });

afterEach(() => {
  vi.useRealTimers();
});

describe('the entity of a thread', () => {
  it('has the name of its agent and the key of its thread, without a read', async () => {
    const { client, reads } = hostWith({});

    const entity = await findThreadEntity(client, 'Ann', 'a b');

    expect([entity.name, entity.key]).toEqual([agentEntityName('Ann'), 'a~20b']);
    expect(agentEntityName('Ann')).toBe('dafx-Ann');
    expect(reads).toEqual([]);
  });

  it('keeps its earlier key if it has a state there', async () => {
    const { client, reads } = hostWith({ 'a+b': state });

    expect((await findThreadEntity(client, 'Ann', 'a+b')).key).toBe('a+b');
    expect((await findThreadEntity(client, 'Ann', 'a~b')).key).toBe('a~7Eb');
    expect(reads).toEqual(['dafx-Ann|a+b', 'dafx-Ann|a~b']);
  });
});

describe('reading a thread', () => {
  it('returns its state', async () => {
    const { client } = hostWith({ 'thread-1': state });

    expect(await readThread(client, 'Ann', 'thread-1')).toEqual(state);
    expect(await readThreadState(client, await findThreadEntity(client, 'Ann', 'thread-1'))).toEqual(state);
  });

  it('returns undefined, or an empty state, if there is none', async () => {
    const { client } = hostWith({});

    expect(await readThread(client, 'Ann', 'thread-1')).toBeUndefined();
    const entity = await findThreadEntity(client, 'Ann', 'thread-1');
    expect((await readThreadState(client, entity)).data.conversationHistory).toEqual([]);
  });

  it('throws if the state is unreadable or the host fails', async () => {
    await expect(readThread(hostWith({ a: 'garbage' }).client, 'Ann', 'a')).rejects.toThrow(ThreadStateError);
    const refused = new Error('Refused.');
    await expect(
      readThread(
        failingHost(async () => Promise.reject(refused)),
        'Ann',
        'a',
      ),
    ).rejects.toBe(refused);
  });

  it('says that it is unavailable if the host does not answer within five seconds', async () => {
    vi.useFakeTimers();
    const reading = readThread(
      failingHost(() => new Promise(() => {})),
      'Ann',
      'a',
    ).catch((error: unknown) => error);
    const settled = vi.fn<() => void>();
    void reading.then(settled);

    await vi.advanceTimersByTimeAsync(4999);
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);

    const error = await reading;
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error).toMatchObject({
      message: 'The conversation cannot be read. Try again in a moment.',
      cause: { name: 'TimeoutError' },
    });
  });
});
