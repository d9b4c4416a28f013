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
  /** Values of the inputs of a function beside its trigger. */
  readonly readInputs: (registered: RegisteredFunction) => Readonly<Record<string, TypedData>>;
  /** Most operations in one call of the function. */
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

/** What a batch of operations comes to when it takes effect. */
interface BatchOutcome {
  readonly state: EntityState | undefined;
  readonly signals: readonly EntitySignal[];
}

/**
 * Runs entity functions: the operations of one entity one batch at a time, different entities side by side. State and
 * signals of a batch take effect when its call has ended; until then its operations stay in the store, which may keep
 * them for another host.
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
   * Accepts an operation; it starts after the caller has gone on.
   *
   * @throws what the store throws when it cannot keep the operation: then it is not accepted.
   */
  signal(id: EntityId, operation: EntityOperation): void {
    if (this.#isClosed) throw new Error('The host has ended: it accepts no operation any more.');
    const target = { name: id.name.toLowerCase(), key: id.key };
    if (!this.hasFunction(target.name)) {
      this.#warn(
        `${toInstanceId(target)} was signalled, but there is no entity function of that name: the signal waits for ever.`,
      );
      return;
    }
    this.#options.store.accept(target, operation);
    this.#start(target);
  }

  /** Goes on with what an earlier host has left: operations that it had accepted, and signals that its batches sent. */
  resume(): void {
    for (const { id, operations } of this.#options.store.unfinished()) {
      this.#sendSignals(id);
      if (this.hasFunction(id.name)) this.#start(id);
      else if (operations.length > 0) {
        this.#warn(
          `${operations.length} operation(s) of ${toInstanceId(id)} wait: the app has no such entity function.`,
        );
      }
    }
  }

  /**
   * Lets the batches that run end, at most for `timeoutMs`; then closes, for what these may still need is closed behind
   * this. What becomes of the others is logged.
   */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopped = true;
    if (await endWithin(this.#running.values(), timeoutMs)) return;
    this.close();
    const outlook = this.#options.store.isKept ? ': they run again at the next start' : '';
    this.#warn(`${this.#running.size} running entity operation(s) did not end in time${outlook}.`);
  }

  /** Accepts nothing any more; what still ends has no effect. */
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
        `What an operation of ${toInstanceId(id)} did could not be stored: it runs again with the next one, or at the ` +
          `next start. ${String(error)}`,
      );
    } finally {
      // At once with the last look at the operations: one that is accepted from here on starts anew.
      this.#running.delete(toInstanceId(id));
    }
  }

  /** Whether there is something to run, and time for it. */
  #canRun(id: EntityId): boolean {
    const { store, log } = this.#options;
    const { length } = store.operations(id);
    if (length === 0 || this.#isClosed) return false;
    if (!this.#isStopped) return true;
    const waiting = `${length} operation(s) of ${toInstanceId(id)} were still waiting, and are`;
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

  /** Hands on what the batches of an entity have sent. Repeated after a crash in its middle: it forgets them last. */
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
