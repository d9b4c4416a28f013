import { withTimeout } from '../../functions/time-limits.js';
import type { CallbackEventStore, EventStoreKind } from '../store/callback-event-store.js';

const PING_TIMEOUT_MS = 2000;

/** Under the names of the wire. */
export interface CallbackStoreHealth {
  readonly kind: EventStoreKind;
  /** `failing`: it answers, but the last run that wrote to it has given it up. */
  readonly status: 'available' | 'failing' | 'unavailable';
  /** How many events of ended runs the store did not take, since this process began. */
  readonly lost_events: number;
}

/** How the event store does, as this process sees it. */
export class StoreHealth {
  readonly #store: CallbackEventStore;
  #lostEvents = 0;
  #isGivenUp = false;

  constructor(store: CallbackEventStore) {
    this.#store = store;
  }

  /** Whether a run has given the store up, and no run has had an answer since. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  markGivenUp(): void {
    this.#isGivenUp = true;
  }

  markAnswering(): void {
    this.#isGivenUp = false;
  }

  /** @param count events of ended runs that the store did not receive in time */
  addLost(count: number): void {
    this.#lostEvents += count;
  }

  /** What the health endpoint says; takes two seconds at the most. */
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
