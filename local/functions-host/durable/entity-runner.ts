import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { RegisteredFunction, TypedData } from '../functions-core.js';
import type { HostLog } from '../host-log.js';
import type { Invoke } from '../invocation.js';
import { canBeStored, toInstanceId, type EntityId } from './entity-id.js';
import type { EntityStates } from './entity-states.js';

/** A signal on its way to an entity. */
export interface EntityOperation {
  readonly name: string;
  /** JSON text; null without an input. */
  readonly input: string | null;
}

/** A function with an entity trigger. */
export interface EntityFunction {
  readonly registered: RegisteredFunction;
  readonly triggerName: string;
}

export interface EntityRunnerOptions {
  /** By entity name in lower case. */
  readonly functions: ReadonlyMap<string, EntityFunction>;
  readonly states: EntityStates;
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

/**
 * Runs entity functions: the operations of one entity one batch at a time, different entities side by side. State and
 * signals of a batch take effect when its call has ended.
 */
export class EntityRunner {
  readonly #options: EntityRunnerOptions;
  readonly #queues = new Map<string, EntityOperation[]>();
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;

  constructor(options: EntityRunnerOptions) {
    this.#options = options;
  }

  hasFunction(name: string): boolean {
    return this.#options.functions.has(name.toLowerCase());
  }

  /** Queues an operation. It starts after the caller has gone on. */
  signal(id: EntityId, operation: EntityOperation): void {
    const target = { name: id.name.toLowerCase(), key: id.key };
    const instanceId = toInstanceId(target);
    const queue = this.#queues.get(instanceId);
    if (queue !== undefined) {
      queue.push(operation);
      return;
    }
    const entityFunction = this.#options.functions.get(target.name);
    if (entityFunction === undefined) {
      this.#warn(
        `${instanceId} was signalled, but there is no entity function of that name: the signal waits for ever.`,
      );
      return;
    }
    const newQueue = [operation];
    this.#queues.set(instanceId, newQueue);
    const run = this.#runQueue(entityFunction, target, newQueue).finally(() => {
      this.#queues.delete(instanceId);
      this.#running.delete(run);
    });
    this.#running.add(run);
  }

  /** Lets the batches that run end, at most for `timeoutMs`; operations that wait are dropped, which is logged. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopped = true;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([Promise.all(this.#running), timeout]);
    clearTimeout(timer);
    if (this.#running.size > 0) this.#warn(`${this.#running.size} running entity operation(s) did not end in time.`);
  }

  async #runQueue(entityFunction: EntityFunction, id: EntityId, queue: EntityOperation[]): Promise<void> {
    while (queue.length > 0) {
      await new Promise(setImmediate);
      if (this.#isStopped) {
        this.#warn(`${queue.length} operation(s) of ${toInstanceId(id)} were still waiting, and are dropped.`);
        return;
      }
      const batch = queue.splice(0, this.#options.maxBatchSize);
      try {
        await this.#runBatch(entityFunction, id, batch);
      } catch (error) {
        this.#warn(`${batch.length} operation(s) of ${toInstanceId(id)} are lost: ${String(error)}`);
      }
    }
  }

  async #runBatch({ registered, triggerName }: EntityFunction, id: EntityId, batch: EntityOperation[]): Promise<void> {
    const { states, invoke, readInputs } = this.#options;
    const current = states.read(id);
    const state = current?.text ?? null;
    const operations = batch.map(({ name, input }) => ({ name, input, isSignal: true }));
    const trigger = { self: id, exists: current !== undefined, state, batch: operations };
    const triggerData = { string: JSON.stringify(trigger, null, 2) };
    const { returnValue } = await invoke(registered, {
      invocationId: randomUUID(),
      inputs: { [triggerName]: triggerData, ...readInputs(registered) },
      triggerMetadata: {
        [triggerName]: triggerData,
        self: { json: JSON.stringify(id) },
        exists: { string: current === undefined ? 'False' : 'True' },
        ...(state === null ? {} : { state: { string: state } }),
      },
    });
    const result = entityResponse.parse(JSON.parse(returnValue?.json ?? 'null'));
    if (!canBeStored(id)) {
      this.#warn(
        `The key of ${id.name} is too long: its operations ran, but its state cannot be stored, as on a real host.`,
      );
    } else if (result.entityExists) {
      states.write({ id, text: result.entityState ?? undefined, lastOperationTime: new Date() });
    } else {
      states.remove(id);
    }
    for (const { target, name, input } of result.signals) this.signal(target, { name, input: input ?? null });
  }

  #warn(message: string): void {
    this.#options.log({ level: 'error', category: 'Host.Durable', message });
  }
}
