import { InvocationContext } from '@azure/functions';
import { type DurableEntityContext, type EntityContext, EntityId } from 'durable-functions';

export interface FakeEntityOptions {
  readonly operationName: string;
  readonly input?: unknown;
  /** What is stored before the operation. Absent: nothing yet. */
  readonly state?: unknown;
  readonly key?: string;
  /** How often the host has delivered the operation before. @default 0 */
  readonly retryCount?: number;
}

/** One operation on an entity: holds what the handler stores, gives back and logs. */
export class FakeEntity implements DurableEntityContext<unknown> {
  readonly entityName = 'dafx-scriptedagent';
  readonly entityKey: string;
  readonly entityId: EntityId;
  readonly operationName: string;
  readonly isNewlyConstructed: boolean;
  /** What was given back, call by call. */
  readonly results: unknown[] = [];
  /** What was stored, call by call. */
  readonly writes: unknown[] = [];
  readonly logLines: string[] = [];
  /** Whether the entity has ended its own existence. */
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

  /** The invocation as the handler gets it. */
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
    // As the host does, which keeps JSON.
    this.writes.push(JSON.parse(JSON.stringify(state)));
  }

  return(result: unknown): void {
    this.results.push(result);
  }

  destructOnExit(): void {
    this.isGone = true;
  }

  signalEntity(): void {
    throw new Error('An agent entity signals nobody.');
  }
}
