import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConcurrentHistory } from './histories/concurrent-history.js';
import { historyCommand, storageFault } from './histories/history-commands.js';
import type { HistoryStores } from './histories/history-stores.js';
import { SequentialHistory } from './histories/sequential-history.js';

export interface StoreHistoriesOptions {
  /** The number of histories of each kind. */
  readonly numRuns: number;
  /** Timeout of all histories of one kind. @default 60_000 */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Runs random histories of store operations by several writers and readers, with dead attempts, retries, lost responses
 * and clears.
 *
 * @param open called once; the stores are closed at the end
 */
export function describeStoreHistories(
  name: string,
  open: () => HistoryStores | Promise<HistoryStores>,
  { numRuns, timeoutMs = DEFAULT_TIMEOUT_MS }: StoreHistoriesOptions,
): void {
  describe(`histories of ${name}`, { timeout: timeoutMs }, () => {
    let stores: HistoryStores;

    beforeAll(async () => {
      stores = await open();
    });

    afterAll(async () => {
      for (const store of stores.stores) await store.close();
    });

    it('match a naive log for sequential operations', async () => {
      const steps = fc.array(fc.tuple(historyCommand, storageFault), { maxLength: 40, size: 'max' });
      await fc.assert(
        fc.asyncProperty(steps, async (commands) => {
          const history = new SequentialHistory(stores);
          for (const [command, fault] of commands) {
            const { actual, expected } = await history.do(command, fault);
            expect(actual).toEqual(expected);
          }
          const { actual, expected } = await history.end();
          expect(actual).toEqual(expected);
        }),
        { numRuns },
      );
    });

    it('keep the invariants of the log for concurrent operations', async () => {
      const steps = fc.array(fc.array(historyCommand, { minLength: 1, maxLength: 6 }), { maxLength: 12, size: 'max' });
      await fc.assert(
        fc.asyncProperty(steps, fc.infiniteStream(storageFault), async (groups, faults) => {
          const history = new ConcurrentHistory(stores);
          stores.setFaults?.(faults);
          for (const commands of groups) await history.doAtOnce(commands);
          stores.setFaults?.(undefined);
          expect(await history.end()).toEqual([]);
        }),
        { numRuns },
      );
    });
  });
}
