import { InvocationContext } from '@azure/functions';
import { type DurableEntityContext, type EntityContext, EntityId } from 'durable-functions';

export interface FakeEntityOptions {
  readonly operationName: string;
  readonly input?: unknown;
  /** The state before the operation. Undefined if there is none. */
  readonly state?: unknown;
  readonly key?: string;
  /** The number of earlier deliveries of the operation. @default 0 */
  readonly retryCount?: number;
}

/** One entity operation. Records what the handler stores, returns and logs. */
export class FakeEntity implements DurableEntityContext<unknown> {
  readonly entityName = 'dafx-scriptedagent';
  readonly entityKey: string;
  readonly entityId: EntityId;
  readonly operationName: string;
  readonly isNewlyConstructed: boolean;
  /** The returned results. */
  readonly results: unknown[] = [];
  /** The stored states. */
  readonly writes: unknown[] = [];
  readonly logLines: string[] = [];
  /** Operations that the entity has signalled to itself. */
  readonly signals: string[] = [];
  /** Whether the entity has deleted itself. */
  isGone = false;
  readonly getInput: DurableEntityContext<unknown>['getInput'];
  readonly #state: unknown;
  readonly #retryCount: number;

  constructor({ operationName, input, state, key = 'thread-1', retryCount = 0 }: FakeEntityOptions) {
    this.entityKey = key;
    this.entityId = new EntityId(this.entityName, key);
    this.operationName = operationName;
    this.isNewlyConstructed = state === undefined;
    this.getInput = () => (input === undefined ? undefined : JSON.parse(JSON.stringify(input)));
    this.#state = state;
    this.#retryCount = retryCount;
  }

  /** The invocation context for the handler. */
  get context(): EntityContext<unknown> {
    const context = new InvocationContext({
      functionName: this.entityName,
      ...(this.#retryCount > 0 && { retryContext: { retryCount: this.#retryCount, maxRetryCount: -1 } }),
      logHandler: (level, ...words) => void this.logLines.push(`${level} ${words.join(' ')}`),
    });
    return Object.assign(context, { df: this });
  }

  getState(): unknown {
    return this.writes.length > 0 ? this.writes.at(-1) : this.#state;
  }

  setState(state: unknown): void {
    // Like the host, which stores JSON.
    this.writes.push(JSON.parse(JSON.stringify(state)));
  }

  return(result: unknown): void {
    this.results.push(result);
  }

  destructOnExit(): void {
    this.isGone = true;
  }

  signalEntity(_entity: EntityId, operationName: string): void {
    this.signals.push(operationName);
  }
}
