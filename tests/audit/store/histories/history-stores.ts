import type { CallbackEventStore } from '../../../../src/audit/store/callback-event-store.js';
import type { StorageFault } from '../../../support/storage-faults.js';

/** What a history is made with. */
export interface HistoryStores {
  /** One or more over one service, as several processes have them; a service that others use does no harm. */
  readonly stores: readonly CallbackEventStore[];
  /** Lets the next writes to the service meet these faults. Absent: there are none. */
  readonly setFaults?: (faults: Iterator<StorageFault> | undefined) => void;
}
