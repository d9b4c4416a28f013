import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConcurrentHistory } from './histories/concurrent-history.js';
import { historyCommand, storageFault } from './histories/history-commands.js';
import type { HistoryStores } from './histories/history-stores.js';
import { SequentialHistory } from './histories/sequential-history.js';

export interface StoreHistoriesOptions {
  /** How many histories of each kind are tried. */
  readonly numRuns: number;
  /** For all histories of one kind. Default: 60 s. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Random histories of what can be done to a store, by several writers and readers, with dead attempts, retries, lost
 * answers and clears.
 *
 * @param open is called once; what it gives is closed in the end
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

    it('are those of a naive record when one thing is done after the other', async () => {
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

    it('keep the laws of a record when many things are done at once', async () => {
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
