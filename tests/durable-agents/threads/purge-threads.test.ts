import { EntityStateResponse, type DurableClient, type EntityId } from 'durable-functions';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../../src/durable-agents/runs/run-record.js';
import { RunRecords } from '../../../src/durable-agents/runs/run-records.js';
import { changesOf, runKey } from '../../../src/durable-agents/runs/run-rows.js';
import { Tombstones } from '../../../src/durable-agents/runs/tombstones.js';
import { type ThreadIdentity, threadPartition } from '../../../src/durable-agents/thread/thread-identity.js';
import { purgeThreads } from '../../../src/durable-agents/threads/purge-threads.js';
import { ThreadIndex } from '../../../src/durable-agents/threads/thread-index.js';
import { loadSettings } from '../../../src/settings/load-settings.js';
import type { KeyValueStore } from '../../../src/storage/key-value-store.js';
import { allServices, type DurableService } from '../../support/durable-services.js';
import { openKeyValueStoreForTest } from '../../support/key-value-store-for-test.js';
import { createRecordingLog } from '../../support/recording-log.js';
import { threadState, turnEntries } from '../../support/thread-entries.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const TTL_DAYS = 30;
/** The number of threads that a purge deletes at the same time. */
const PURGES_AT_ONCE = 8;
let agentCount = 0;

for (const kind of allServices) {
  describe.skipIf(kind.isMissing)(`purgeThreads: ${kind.name}`, () => {
    let service: DurableService;
    let storage: KeyValueStore;
    /** Each test has its own agents, because all tests share one service. */
    let agentName: string;
    let otherAgent: string;
    let nowMs: number;
    let host: FakeHost;
    let runRecords: RunRecords;
    let threadIndex: ThreadIndex;
    let deleted: string[];

    beforeAll(async () => {
      service = await kind.start();
    }, 60_000);
    afterAll(() => service.close());

    beforeEach(async () => {
      storage = openKeyValueStoreForTest(settingsOf(service));
      agentCount += 1;
      agentName = `Agent${agentCount}`;
      otherAgent = `Other${agentCount}`;
      for (const partition of ['tombstones', 'thread-purge'])
        await storage.removeRange(partition, { from: '-', before: '~~' });
      nowMs = Date.parse('2026-03-01T12:00:00.000Z');
      host = new FakeHost((of, deletedAt) => openTombstones().noteEmptied(of, deletedAt));
      runRecords = new RunRecords(storage, () => new Date(nowMs));
      threadIndex = new ThreadIndex(storage);
      deleted = [];
    });

    const thread = (threadId: string): ThreadIdentity => ({ agentName, threadId });
    const openTombstones = () => new Tombstones(storage, () => new Date(nowMs));
    /** A thread whose only run has ended before this time. */
    const keepThread = async (of: ThreadIdentity, idleMs: number): Promise<void> => {
      const at = new Date(nowMs - idleMs);
      const run = { ...of, correlationId: 'a'.repeat(32), message: 'Hello', createdAt: at.toISOString() };
      await runRecords.end(run, { status: 'completed', response: 'Hi', messageCount: 2 });
      await threadIndex.touch(of, { message: 'Hello', status: 'completed', at });
      host.keep(of);
    };
    const keepThreads = async (count: number, idleMs: number): Promise<void> => {
      for (let number = 0; number < count; number += 1) await keepThread(thread(`thread-${number}`), idleMs + number);
    };
    const keepOpenRun = async (of: ThreadIdentity, fields: Partial<RunRecord>): Promise<void> => {
      const createdAt = fields.createdAt ?? new Date(nowMs - 40 * DAY_MS).toISOString();
      const record: RunRecord = {
        correlationId: 'b'.repeat(32),
        message: 'Hi',
        order: '1',
        attempt: 1,
        status: 'running',
        createdAt,
        ...fields,
      };
      const key = runKey(record.correlationId);
      await storage.commit(threadPartition(of), { key, tag: undefined }, changesOf(undefined, record));
    };

    interface Purge {
      readonly ttlDays?: number | undefined;
      readonly signal?: AbortSignal;
      readonly onDeleted?: (thread: ThreadIdentity) => Promise<void>;
    }
    const purge = async ({ signal = new AbortController().signal, onDeleted, ...options }: Purge = {}) => {
      const log = createRecordingLog();
      const purging = purgeThreads(
        {
          storage,
          runRecords,
          threadIndex,
          ttlDays: TTL_DAYS,
          ...options,
          tombstones: openTombstones(),
          onDeleted: async (of) => {
            deleted.push(of.threadId);
            await onDeleted?.(of);
          },
        },
        { durableClient: host.client, agentNames: [agentName, otherAgent], now: new Date(nowMs), signal, log },
      );
      await purging;
      return log;
    };
    const listedIds = async (of = agentName) =>
      (await threadIndex.list(of, { limit: 100 })).threads.map(({ threadId }) => threadId).toSorted();
    const rowsOf = (of: ThreadIdentity) => storage.readRange(threadPartition(of), { from: '-', before: '~~' }, 100);

    it('deletes threads of all agents that were idle for longer, with all of their data', async () => {
      const [idle, active, ofOther] = [thread('idle'), thread('active'), { agentName: otherAgent, threadId: 'idle' }];
      await keepThread(idle, TTL_DAYS * DAY_MS + 1);
      await keepThread(active, TTL_DAYS * DAY_MS);
      await keepThread(ofOther, 100 * DAY_MS);

      const log = await purge();

      expect(deleted).toEqual(['idle', 'idle']);
      expect(await listedIds()).toEqual(['active']);
      expect(await listedIds(otherAgent)).toEqual([]);
      expect(host.keptKeys()).toEqual([`dafx-${agentName.toLowerCase()}|active`]);
      expect((await rowsOf(idle)).map(({ key }) => key)).toEqual(['~deleted']);
      expect((await runRecords.list(active, { limit: 10 })).runs).toHaveLength(1);
      expect(log.lines).toContainEqual(expect.stringContaining('Deleted 2 threads'));
    });

    it('deletes no thread without a time to live', async () => {
      await keepThread(thread('idle'), 1000 * DAY_MS);

      await purge({ ttlDays: undefined });

      expect(await listedIds()).toEqual(['idle']);
    });

    it('keeps a thread with a run in progress, and deletes one whose run was lost long ago', async () => {
      for (const threadId of ['waits', 'queued', 'lost']) await keepThread(thread(threadId), 40 * DAY_MS);
      await keepOpenRun(thread('waits'), { status: 'waiting_for_approval' });
      await keepOpenRun(thread('queued'), { status: 'queued', createdAt: new Date(nowMs - 1).toISOString() });
      await keepOpenRun(thread('lost'), { status: 'running' });

      await purge();

      expect(await listedIds()).toEqual(['queued', 'waits']);
    });

    it('keeps a thread in which a run ends after the list was read', async () => {
      await keepThreads(PURGES_AT_ONCE + 1, 40 * DAY_MS);
      const at = new Date(nowMs);

      await purge({
        onDeleted: async () => void (await threadIndex.touch(thread('thread-8'), { ...activity, at })),
      });

      expect(await listedIds()).toEqual(['thread-8']);
    });

    it('stops at its time limit, and the next purge continues', async () => {
      await keepThreads(PURGES_AT_ONCE + 2, 40 * DAY_MS);
      await keepThread({ agentName: otherAgent, threadId: 'other' }, 40 * DAY_MS);
      const ending = new AbortController();

      const log = await purge({ signal: ending.signal, onDeleted: async () => ending.abort() });

      expect(log.lines).toEqual([expect.stringContaining('Deleted 8 threads')]);
      expect(log.lines).toEqual([expect.stringContaining('the next purge continues')]);
      expect(await listedIds()).toHaveLength(2);
      await purge();
      expect(deleted).toHaveLength(PURGES_AT_ONCE + 3);
    });

    it('reaches the other threads if the first ones cannot be deleted in time', async () => {
      await keepThreads(PURGES_AT_ONCE + 2, 40 * DAY_MS);
      const failing = Array.from({ length: PURGES_AT_ONCE }, (_, number) => `thread-${number}`);
      const ending = new AbortController();
      host.onSignal = (threadId) => {
        if (!failing.includes(threadId)) return;
        ending.abort();
        throw new Error('The host is busy.');
      };

      await expect(purge({ signal: ending.signal })).rejects.toThrow('8 threads could not be deleted');
      await purge();
      expect(await listedIds()).toEqual(failing);

      host.onSignal = () => {};
      await purge();
      expect(await listedIds()).toEqual([]);
    });

    it('removes the tombstones of deleted threads after 24 hours, whichever process deleted them', async () => {
      const [early, late, again] = [thread('early'), thread('late'), thread('again')];
      for (const of of [early, again]) await openTombstones().bury(of, []);
      nowMs += HOUR_MS;
      for (const of of [late, again]) await openTombstones().bury(of, []);
      nowMs += 23 * HOUR_MS + 1;

      const log = await purge({ ttlDays: undefined });

      expect(log.lines).toEqual(['info Removed 2 expired tombstones of deleted threads.']);
      const left = await Promise.all([early, late, again].map(rowsOf));
      expect(left.map((rows) => rows.length)).toEqual([0, 1, 1]);
      nowMs += HOUR_MS;
      await purge({ ttlDays: undefined });
      expect((await Promise.all([early, late, again].map(rowsOf))).flat()).toEqual([]);
      expect(await storage.readRange('tombstones', { from: '-', before: new Date(nowMs).toISOString() }, 10)).toEqual(
        [],
      );
    });
  });
}

const activity = { message: 'Hello again', status: 'completed' } as const;

function settingsOf({ settings }: DurableService) {
  const model = {
    AZURE_OPENAI_ENDPOINT: 'https://example.openai.azure.com',
    AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'test',
  };
  return loadSettings({ ...model, ...settings }).callbackStore;
}

const keyOf = ({ name, key }: EntityId): string => `${name.toLowerCase()}|${key}`;

/** Keeps entities. They process signals immediately. */
class FakeHost {
  /** Called for each signal with the key of the entity. Throwing makes the signal fail. */
  onSignal: (key: string) => void = () => {};
  readonly #kept = new Map<string, ThreadIdentity>();
  readonly #noteEmptied: (thread: ThreadIdentity, deletedAt: string) => Promise<void>;

  constructor(noteEmptied: (thread: ThreadIdentity, deletedAt: string) => Promise<void>) {
    this.#noteEmptied = noteEmptied;
  }

  keep(thread: ThreadIdentity): void {
    this.#kept.set(`dafx-${thread.agentName.toLowerCase()}|${thread.threadId}`, thread);
  }

  keptKeys(): string[] {
    return [...this.#kept.keys()];
  }

  get client(): DurableClient {
    const state: unknown = threadState(...turnEntries('a', 'Hello', { $type: 'text', text: 'Hi' }));
    return Object.assign(Object.create(null), {
      readEntityState: async (entity: EntityId) => new EntityStateResponse(this.#kept.has(keyOf(entity)), state),
      signalEntity: async (entity: EntityId, _operation: string, { deletedAt }: { deletedAt: string }) => {
        this.onSignal(entity.key);
        const thread = this.#kept.get(keyOf(entity));
        this.#kept.delete(keyOf(entity));
        if (thread !== undefined) await this.#noteEmptied(thread, deletedAt);
      },
    });
  }
}
