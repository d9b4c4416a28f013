import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe } from 'vitest';
import type { CallbackEventStore } from '../../../src/audit/store/callback-event-store.js';
import type { ContractContext } from './contract/contract-context.js';
import { describeAttempts } from './contract/describe-attempts.js';
import { describeConcurrentUse } from './contract/describe-concurrent-use.js';
import { describeCursors } from './contract/describe-cursors.js';
import { describeKeptEvents } from './contract/describe-kept-events.js';
import { describeRecordedRuns } from './contract/describe-recorded-runs.js';
import { describeTotals } from './contract/describe-totals.js';
import { describeWaiting } from './contract/describe-waiting.js';

export type StorePair = readonly [CallbackEventStore, CallbackEventStore];

export interface StoreContractOptions {
  /** Timeout of each test. @default 20,000 */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 20_000;

/**
 * The contract of {@link CallbackEventStore}, for every implementation.
 *
 * @param createStore creates a store that keeps at least 2,100 events of a thread. The service may contain other data:
 *   each test uses its own agent. The store is closed after the test.
 */
export function describeCallbackEventStore(
  name: string,
  createStore: () => CallbackEventStore | Promise<CallbackEventStore>,
  { timeoutMs = DEFAULT_TIMEOUT_MS }: StoreContractOptions = {},
): void {
  describe(`${name}, a callback event store`, { timeout: timeoutMs }, () => {
    const context = useStores(async () => {
      const store = await createStore();
      return [store, store];
    });
    describeKeptEvents(context);
    describeCursors(context);
    describeTotals(context);
    describeRecordedRuns(context);
    describeAttempts(context);
    describeConcurrentUse(context);
    describeWaiting(context);
  });
}

/**
 * The part of the contract for several processes.
 *
 * @param createPair creates two stores on one service, like two processes
 */
export function describeSharedEventStore(
  name: string,
  createPair: () => StorePair | Promise<StorePair>,
  { timeoutMs = DEFAULT_TIMEOUT_MS }: StoreContractOptions = {},
): void {
  describe(`${name}, a callback event store in two processes`, { timeout: timeoutMs }, () => {
    const context = useStores(createPair);
    describeConcurrentUse(context);
    describeWaiting(context);
  });
}

/** Creates the stores before each test, and closes them after it. */
function useStores(createStores: () => StorePair | Promise<StorePair>): ContractContext {
  let current: (ContractContext & { readonly end: () => Promise<void> }) | undefined;
  const now = (): ContractContext => {
    if (current === undefined) throw new Error('Use the store only while a test runs.');
    return current;
  };
  beforeEach(async () => {
    const [store, second] = await createStores();
    const ending = new AbortController();
    const agentName = `Agent-${randomBytes(6).toString('hex')}`;
    const end = async (): Promise<void> => {
      ending.abort();
      for (const opened of new Set([store, second])) await opened.close();
    };
    current = { store, second, thread: { agentName, threadId: 'thread-1' }, testEnd: ending.signal, end };
  });
  afterEach(async () => {
    await current?.end();
    current = undefined;
  });
  return {
    get store() {
      return now().store;
    },
    get second() {
      return now().second;
    },
    get thread() {
      return now().thread;
    },
    get testEnd() {
      return now().testEnd;
    },
  };
}
