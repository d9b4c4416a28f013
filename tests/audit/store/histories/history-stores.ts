import type { CallbackEventStore } from '../../../../src/audit/store/callback-event-store.js';
import type { StorageFault } from '../../../support/storage-faults.js';

/** The stores of a history. */
export interface HistoryStores {
  /** One or more stores on one service, like several processes. Other tests may use the service too. */
  readonly stores: readonly CallbackEventStore[];
  /** Makes the next writes fail in these ways. Undefined if the service cannot fail. */
  readonly setFaults?: (faults: Iterator<StorageFault> | undefined) => void;
}
