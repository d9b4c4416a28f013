import { withTimeout } from '../../functions/time-limits.js';
import type { CallbackEventStore, EventStoreKind } from '../store/callback-event-store.js';

const PING_TIMEOUT_MS = 2000;

/** Health of the event store, with wire names. */
export interface CallbackStoreHealth {
  readonly kind: EventStoreKind;
  /** `failing`: the store responds, but the last run that wrote to it gave up on it. */
  readonly status: 'available' | 'failing' | 'unavailable';
  /** Number of events of ended runs that were not stored, since this process started. */
  readonly lost_events: number;
}

/** Tracks the health of the event store as seen by this process. */
export class StoreHealth {
  readonly #store: CallbackEventStore;
  #lostEvents = 0;
  #isGivenUp = false;

  constructor(store: CallbackEventStore) {
    this.#store = store;
  }

  /** Whether a run gave up on the store and no run has had an acknowledgement since. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  markGivenUp(): void {
    this.#isGivenUp = true;
  }

  markResponding(): void {
    this.#isGivenUp = false;
  }

  /** @param count - events of ended runs that were not stored in time */
  addLost(count: number): void {
    this.#lostEvents += count;
  }

  /** Returns the details for the health endpoint. Takes at most two seconds. */
  async details(): Promise<{ readonly callback_store: CallbackStoreHealth }> {
    return {
      callback_store: { kind: this.#store.kind, status: await this.#status(), lost_events: this.#lostEvents },
    };
  }

  #status(): Promise<CallbackStoreHealth['status']> {
    return withTimeout(PING_TIMEOUT_MS, () => this.#store.ping()).then(
      () => (this.#isGivenUp ? 'failing' : 'available'),
      () => 'unavailable',
    );
  }
}
