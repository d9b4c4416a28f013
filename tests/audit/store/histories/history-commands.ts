import * as fc from 'fast-check';
import type { StorageFault } from '../../../support/storage-faults.js';

/** Something to do with a store. Threads, runs, writers and stores are numbered, and taken modulo how many there are. */
export type HistoryCommand =
  | { readonly kind: 'readRun'; readonly thread: number; readonly run: number; readonly store: number }
  | {
      readonly kind: 'begin';
      readonly thread: number;
      readonly run: number;
      readonly store: number;
      /** Which request of the run is delivered. */
      readonly request: number;
      /** Its way to the store was cut: it began long before those that are not late. */
      readonly isLate: boolean;
    }
  | { readonly kind: 'beginAgain'; readonly writer: number }
  | {
      readonly kind: 'append';
      readonly writer: number;
      /** Where it begins, seen from the event that comes next: behind it some are lost, before it they are repeated. */
      readonly offset: number;
      readonly count: number;
      /** What the last event is. */
      readonly last: 'stream' | 'final' | 'failed';
    }
  | { readonly kind: 'clear'; readonly thread: number; readonly store: number }
  | {
      readonly kind: 'list';
      readonly thread: number;
      readonly store: number;
      /** Where it begins: behind this sequence, or where the last page of the thread ended. */
      readonly after: number | 'last page';
      readonly limit: number | undefined;
    };

const thread = fc.nat(1);
const run = fc.nat(1);
const store = fc.nat(1);
// The latest attempts of a run are the ones that write, mostly.
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
