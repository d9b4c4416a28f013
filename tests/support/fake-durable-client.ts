import { type DurableClient, type EntityId, EntityStateResponse } from 'durable-functions';

/** The part of a durable client that an agent client uses; tells what it was asked for, and when. */
export class FakeDurableClient implements Pick<DurableClient, 'signalEntity' | 'readEntityState'> {
  readonly signals: { entityId: string; operationName: string | undefined; input: unknown }[] = [];
  /** When the entity was looked at, in milliseconds of `performance.now()`. */
  readonly looks: number[] = [];
  readonly readEntityState: DurableClient['readEntityState'];
  readonly #onSignal: () => void;

  /**
   * @param stateAt the entity's state as a look finds it, counted from 1; `undefined` where there is none; may throw
   * @param onSignal called for each signal
   */
  constructor(stateAt: (look: number) => unknown, onSignal: () => void = () => {}) {
    this.#onSignal = onSignal;
    this.readEntityState = async () => {
      const state = stateAt(this.looks.push(performance.now()));
      return state === undefined
        ? new EntityStateResponse(false)
        : new EntityStateResponse(true, JSON.parse(JSON.stringify(state)));
    };
  }

  async signalEntity(entityId: EntityId, operationName?: string, input?: unknown): Promise<void> {
    this.signals.push({ entityId: entityId.toString(), operationName, input });
    this.#onSignal();
  }

  /** This fake with the type of the whole client, whose other methods are missing. */
  get client(): DurableClient {
    const { readEntityState } = this;
    return Object.assign(Object.create(null), { readEntityState, signalEntity: this.signalEntity.bind(this) });
  }
}
