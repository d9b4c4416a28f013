import * as fc from 'fast-check';
import type { StorageFault } from '../../../support/storage-faults.js';

/** An action on a store. Numbers of threads, runs, writers and stores are taken modulo their count. */
export type HistoryCommand =
  | { readonly kind: 'readRun'; readonly thread: number; readonly run: number; readonly store: number }
  | {
      readonly kind: 'begin';
      readonly thread: number;
      readonly run: number;
      readonly store: number;
      /** The request of the run that is delivered. */
      readonly request: number;
      /** Whether it starts with an old start time, like an attempt that was cut off from the store for a long time. */
      readonly isLate: boolean;
    }
  | { readonly kind: 'beginAgain'; readonly writer: number }
  | {
      readonly kind: 'append';
      readonly writer: number;
      /** Start relative to the next event: a positive offset loses events, a negative one repeats them. */
      readonly offset: number;
      readonly count: number;
      /** The type of the last event. */
      readonly last: 'stream' | 'final' | 'failed';
    }
  | { readonly kind: 'clear'; readonly thread: number; readonly store: number }
  | {
      readonly kind: 'list';
      readonly thread: number;
      readonly store: number;
      /** Starts after this sequence, or where the last page of the thread ended. */
      readonly after: number | 'last page';
      readonly limit: number | undefined;
    };

const thread = fc.nat(1);
const run = fc.nat(1);
const store = fc.nat(1);
// In most cases only the latest attempts of a run write.
const writer = fc.nat(5);

export const historyCommand: fc.Arbitrary<HistoryCommand> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('readRun'), thread, run, store }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('begin'),
      thread,
      run,
      store,
      request: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
      isLate: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('beginAgain'), writer }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('append'),
      writer,
      offset: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: -3, max: 2 }) },
      ),
      count: fc.nat(4),
      last: fc.oneof(
        { weight: 6, arbitrary: fc.constant('stream') },
        { weight: 1, arbitrary: fc.constantFrom('final', 'failed') },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear'), thread, store }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('list'),
      thread,
      store,
      after: fc.oneof(fc.constant('last page'), fc.nat(30)),
      limit: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
    }),
  },
);

export const storageFault: fc.Arbitrary<StorageFault> = fc.record({
  delayTurns: fc.nat(6),
  failure: fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom('before', 'after') },
  ),
});
