import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { endWithin } from '../end-within.js';
import type { RegisteredFunction, TypedData } from '../functions-core.js';
import type { HostLog } from '../host-log.js';
import type { Invoke } from '../invocation.js';
import { canBeStored, toInstanceId, type EntityId } from './entity-id.js';
import type { EntityOperation, EntitySignal, EntityState } from './entity-record.js';
import type { EntityStore } from './entity-store.js';

/** A function with an entity trigger. */
export interface EntityFunction {
  readonly registered: RegisteredFunction;
  readonly triggerName: string;
}

export interface EntityRunnerOptions {
  /** By entity name in lower case. */
  readonly functions: ReadonlyMap<string, EntityFunction>;
  readonly store: EntityStore;
  readonly invoke: Invoke;
  /** Returns the values of a function's inputs other than its trigger. */
  readonly readInputs: (registered: RegisteredFunction) => Readonly<Record<string, TypedData>>;
  /** Maximum number of operations in one call of the function. */
  readonly maxBatchSize: number;
  readonly log: HostLog;
}

const entityResponse = z.object({
  entityExists: z.boolean(),
  entityState: z.string().nullish(),
  signals: z
    .array(
      z.object({
        target: z.object({ name: z.string(), key: z.string() }),
        name: z.string(),
        input: z.string().nullish(),
      }),
    )
    .default([]),
});

/** The result of a batch of operations. */
interface BatchOutcome {
  readonly state: EntityState | undefined;
  readonly signals: readonly EntitySignal[];
}

/**
 * Runs entity functions: one batch at a time per entity, different entities concurrently. State and signals of a batch
 * take effect when its call has finished. Until then its operations stay in the store, so that the next host can run them.
 */
export class EntityRunner {
  readonly #options: EntityRunnerOptions;
  /** By instance id. */
  readonly #running = new Map<string, Promise<void>>();
  #isStopped = false;
  #isClosed = false;

  constructor(options: EntityRunnerOptions) {
    this.#options = options;
  }

  hasFunction(name: string): boolean {
    return this.#options.functions.has(name.toLowerCase());
  }

  /**
   * Accepts an operation, which starts asynchronously.
   *
   * @throws the error of the store if it cannot store the operation, which is then not accepted
   */
  signal(id: EntityId, operation: EntityOperation): void {
    if (this.#isClosed) throw new Error('The host is closed and accepts no more operations.');
    const target = { name: id.name.toLowerCase(), key: id.key };
    if (!this.hasFunction(target.name)) {
      this.#warn(
        `${toInstanceId(target)} was signalled, but there is no entity function with that name: the signal waits forever.`,
      );
      return;
    }
    this.#options.store.accept(target, operation);
    this.#start(target);
  }

  /** Resumes the accepted operations and unsent signals of an earlier host. */
  resume(): void {
    for (const { id, operations } of this.#options.store.unfinished()) {
      this.#sendSignals(id);
      if (this.hasFunction(id.name)) this.#start(id);
      else if (operations.length > 0) {
        this.#warn(
          `${operations.length} operation(s) of ${toInstanceId(id)} are waiting: the app has no such entity function.`,
        );
      }
    }
  }

  /**
   * Waits up to `timeoutMs` for running batches, then closes, because the caller closes their dependencies next. Logs what
   * happens to the remaining operations.
   */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopped = true;
    if (await endWithin(this.#running.values(), timeoutMs)) return;
    this.close();
    const outlook = this.#options.store.isKept ? ': they run again at the next start' : '';
    this.#warn(`${this.#running.size} running entity operation(s) did not finish in time${outlook}.`);
  }

  /** Rejects further operations. Batches that finish later have no effect. */
  close(): void {
    this.#isClosed = true;
  }

  #start(id: EntityId): void {
    const entityFunction = this.#options.functions.get(id.name);
    const instanceId = toInstanceId(id);
    if (entityFunction === undefined || this.#running.has(instanceId)) return;
    this.#running.set(instanceId, this.#runAll(entityFunction, id));
  }

  async #runAll(entityFunction: EntityFunction, id: EntityId): Promise<void> {
    try {
      await new Promise(setImmediate);
      while (this.#canRun(id)) {
        await this.#runBatch(entityFunction, id);
        await new Promise(setImmediate);
      }
    } catch (error) {
      this.#warn(
        `The result of an operation of ${toInstanceId(id)} could not be stored: it runs again with the next one, or at the ` +
          `next start. ${String(error)}`,
      );
    } finally {
      // Synchronously after the last check for operations, so that an operation accepted later starts a new run.
      this.#running.delete(toInstanceId(id));
    }
  }

  /** Whether there are operations to run and the host is open. */
  #canRun(id: EntityId): boolean {
    const { store, log } = this.#options;
    const { length } = store.operations(id);
    if (length === 0 || this.#isClosed) return false;
    if (!this.#isStopped) return true;
    const waiting = `${length} operation(s) of ${toInstanceId(id)} were still waiting and are`;
    if (!store.isKept) this.#warn(`${waiting} dropped.`);
    else log({ level: 'information', category: 'Host.Durable', message: `${waiting} kept for the next start.` });
    return false;
  }

  async #runBatch(entityFunction: EntityFunction, id: EntityId): Promise<void> {
    const { store, maxBatchSize } = this.#options;
    const batch = store.beginBatch(id, maxBatchSize);
    let outcome: BatchOutcome = { state: store.read(id), signals: [] };
    try {
      outcome = await this.#call(entityFunction, id, batch);
    } catch (error) {
      this.#warn(`${batch.length} operation(s) of ${toInstanceId(id)} are lost: ${String(error)}`);
    }
    if (this.#isClosed) return;
    store.endBatch(id, { ...outcome, operationCount: batch.length });
    this.#sendSignals(id);
  }

  /** Delivers the signals that an entity sent. After a crash it repeats this, because it deletes them last. */
  #sendSignals(id: EntityId): void {
    for (const { target, operation } of this.#options.store.signals(id)) this.signal(target, operation);
    this.#options.store.forgetSignals(id);
  }

  async #call(
    { registered, triggerName }: EntityFunction,
    id: EntityId,
    batch: readonly EntityOperation[],
  ): Promise<BatchOutcome> {
    const { store, invoke, readInputs } = this.#options;
    const current = store.read(id);
    const state = current?.text ?? null;
    const operations = batch.map(({ name, input }) => ({ name, input, isSignal: true }));
    const trigger = { self: id, exists: current !== undefined, state, batch: operations };
    const triggerData = { string: JSON.stringify(trigger, null, 2) };
    const deliveries = Math.max(...batch.map((operation) => operation.deliveries ?? 1));
    const { returnValue } = await invoke(registered, {
      invocationId: randomUUID(),
      retryCount: deliveries - 1,
      inputs: { [triggerName]: triggerData, ...readInputs(registered) },
      triggerMetadata: {
        [triggerName]: triggerData,
        self: { json: JSON.stringify(id) },
        exists: { string: current === undefined ? 'False' : 'True' },
        ...(state === null ? {} : { state: { string: state } }),
      },
    });
    const result = entityResponse.parse(JSON.parse(returnValue?.json ?? 'null'));
    const signals = result.signals.map(({ target, name, input }) => ({
      target,
      operation: { name, input: input ?? null },
    }));
    if (!canBeStored(id)) {
      this.#warn(
        `The key of ${id.name} is too long: its operations ran, but its state cannot be stored, as on a real host.`,
      );
      return { state: current, signals };
    }
    if (!result.entityExists) return { state: undefined, signals };
    return { state: { id, text: result.entityState ?? undefined, lastOperationTime: new Date() }, signals };
  }

  #warn(message: string): void {
    this.#options.log({ level: 'error', category: 'Host.Durable', message });
  }
}
