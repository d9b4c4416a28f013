import { type DurableClient, type EntityId, EntityStateResponse } from 'durable-functions';

/** The part of a durable client that an agent client uses. Records its calls and their times. */
export class FakeDurableClient implements Pick<DurableClient, 'signalEntity' | 'readEntityState'> {
  readonly signals: { entityId: string; operationName: string | undefined; input: unknown }[] = [];
  /** The times of state reads, in milliseconds of `performance.now()`. */
  readonly reads: number[] = [];
  readonly readEntityState: DurableClient['readEntityState'];
  readonly #onSignal: () => unknown;

  /**
   * @param stateAt returns the entity's state for a read, counted from 1, or `undefined`. May throw or return a promise
   * @param onSignal called for each signal and awaited
   */
  constructor(stateAt: (read: number) => unknown, onSignal: () => unknown = () => {}) {
    this.#onSignal = onSignal;
    this.readEntityState = async () => {
      const state = await stateAt(this.reads.push(performance.now()));
      return state === undefined
        ? new EntityStateResponse(false)
        : new EntityStateResponse(true, JSON.parse(JSON.stringify(state)));
    };
  }

  async signalEntity(entityId: EntityId, operationName?: string, input?: unknown): Promise<void> {
    this.signals.push({ entityId: entityId.toString(), operationName, input });
    await this.#onSignal();
  }

  /** This fake, typed as a full client. Its other methods are missing. */
  get client(): DurableClient {
    const { readEntityState } = this;
    return Object.assign(Object.create(null), { readEntityState, signalEntity: this.signalEntity.bind(this) });
  }
}
