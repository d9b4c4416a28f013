import { z } from 'zod';
import { errorText } from '../../functions/error-text.js';
import { cleanForeignText } from '../../functions/foreign-text.js';
import type { Logger } from '../../functions/logger.js';
import { withTimeout } from '../../functions/time-limits.js';
import { type KeyValueStore, readPages, type StoredValue } from '../../storage/key-value-store.js';
import { AgentError } from '../errors.js';
import type { RunIdentity } from '../run-event-source.js';
import { threadPartition } from '../thread/thread-identity.js';
import type { ToolCall, ToolOutcome } from './call-tool.js';

const STORE_TIMEOUT_MS = 5000;

const answerSchema = z.object({
  /** Answer text and reasoning, in order. */
  texts: z.array(z.object({ kind: z.enum(['text', 'reasoning']), text: z.string() })).readonly(),
  calls: z
    .array(
      z.object({
        callId: z.string(),
        toolName: z.string(),
        arguments: z.union([z.string(), z.record(z.string(), z.unknown())]),
      }),
    )
    .readonly(),
  finish: z.object({
    kind: z.literal('finish'),
    finishReason: z.enum(['stop', 'length']),
    usage: z
      .object({
        inputTokenCount: z.number(),
        outputTokenCount: z.number(),
        totalTokenCount: z.number(),
        extra: z.record(z.string(), z.number()).exactOptional(),
      })
      .exactOptional(),
  }),
});
const outcomeSchema = z.object({ result: z.unknown(), isError: z.boolean(), durationMs: z.number() });

/** A finished model call of a run. */
export type AnswerStep = Readonly<z.infer<typeof answerSchema>>;

/** Position of a call within its run. */
export interface CallPosition {
  /** From 1. */
  readonly round: number;
  /** Among the calls of its round, from 0. */
  readonly index: number;
}

/** Finished steps in a thread's state. */
export type FinishedSteps = Readonly<Record<string, unknown>>;

export interface RunStepsOptions {
  /** Undefined: steps are lost with the process, unless the run is suspended. */
  readonly store?: KeyValueStore | undefined;
  /** Steps that the run had finished when it was suspended. @default none */
  readonly finished?: FinishedSteps | undefined;
  readonly run: RunIdentity;
  /** Whether a run's response is in the thread's committed state, so that its steps are no longer needed. */
  readonly isAnswered: (correlationId: string) => boolean;
  readonly log: Logger;
}

/**
 * Records each finished step of a run before the next one starts, so that a delivery after a crash reuses the steps. If
 * the store is unreachable, the run continues without this protection, unless a tool must not run twice.
 */
export class RunSteps {
  readonly #options: RunStepsOptions;
  readonly #partition: string;
  readonly #stored = new Map<string, string>();

  constructor(options: RunStepsOptions) {
    this.#options = options;
    this.#partition = threadPartition(options.run);
  }

  /** Reads the steps of earlier deliveries, and removes the steps of ended runs. Call it first. */
  async load(): Promise<void> {
    const { run, store, finished = {}, isAnswered, log } = this.#options;
    const prefix = this.#prefix;
    for (const [name, step] of Object.entries(finished)) this.#stored.set(prefix + name, JSON.stringify(step));
    if (store === undefined) return;
    const rows = (await this.#try('read', () => this.#readAll(store))) ?? [];
    const stale = new Set<string>();
    let takenOver = 0;
    for (const { key, value } of rows) {
      const [, correlationId = ''] = key.split('|');
      if (correlationId !== run.correlationId) {
        if (isAnswered(correlationId)) stale.add(correlationId);
      } else if (!this.#stored.has(key)) {
        this.#stored.set(key, value);
        if (!key.endsWith('|begun')) takenOver += 1;
      }
    }
    if (takenOver > 0) {
      log.info(`${this.#where()} took over ${takenOver} steps of an earlier delivery (thread ${run.threadId})`);
    }
    for (const correlationId of stale) {
      await this.#try('remove', () => store.removeRange(this.#partition, rangeOf(correlationId)));
    }
  }

  /** The finished steps, for the thread's state. */
  get finished(): FinishedSteps {
    const steps = [...this.#stored].filter(([key]) => !key.endsWith('|begun'));
    return Object.fromEntries(steps.map(([key, value]) => [key.slice(this.#prefix.length), JSON.parse(value)]));
  }

  answer(round: number): AnswerStep | undefined {
    const text = this.#stored.get(this.#key(round, 'answer'));
    return text === undefined ? undefined : answerSchema.parse(JSON.parse(text));
  }

  /** @returns the answer to continue with, because another delivery may have recorded one first */
  async recordAnswer(round: number, answer: AnswerStep): Promise<AnswerStep> {
    const recorded = await this.#record(this.#key(round, 'answer'), JSON.stringify(answer));
    return recorded === undefined ? answer : answerSchema.parse(JSON.parse(recorded));
  }

  outcome({ round, index }: CallPosition): ToolOutcome | undefined {
    const text = this.#stored.get(this.#key(round, `${threeDigits(index)}|result`));
    return text === undefined ? undefined : outcomeSchema.parse(JSON.parse(text));
  }

  /** @returns the outcome to continue with, because another delivery may have recorded one first */
  async recordOutcome({ round, index }: CallPosition, outcome: ToolOutcome): Promise<ToolOutcome> {
    const key = this.#key(round, `${threeDigits(index)}|result`);
    const recorded = await this.#record(key, JSON.stringify(outcome));
    return recorded === undefined ? outcome : outcomeSchema.parse(JSON.parse(recorded));
  }

  /** @throws AgentError `tool_outcome_unknown` if an earlier delivery started the call and recorded no result */
  assertNotBegun({ round, index }: CallPosition, call: ToolCall): void {
    if (!this.#stored.has(this.#key(round, `${threeDigits(index)}|begun`))) return;
    throw outcomeUnknown(call);
  }

  /**
   * Records the start of a call that must not run twice.
   *
   * @throws AgentError `tool_outcome_unknown` if another delivery has started it, `steps_unavailable` if the store is
   * unreachable
   */
  async begin({ round, index }: CallPosition, call: ToolCall): Promise<void> {
    const { store } = this.#options;
    if (store === undefined) return;
    const key = this.#key(round, `${threeDigits(index)}|begun`);
    let tag: string | undefined;
    try {
      tag = await this.#commit(store, key, '1');
    } catch (error) {
      const message = `The call of ${call.toolName} was not started, because its start could not be recorded.`;
      throw new AgentError('steps_unavailable', message, { cause: error });
    }
    if (tag === undefined) throw outcomeUnknown(call);
  }

  async #readAll(store: KeyValueStore): Promise<StoredValue[]> {
    const rows: StoredValue[] = [];
    const range = { from: 'step|', before: 'step~' };
    for await (const page of readPages(store, this.#partition, range)) rows.push(...page);
    return rows;
  }

  /** @returns the recorded value if another delivery was first; undefined otherwise */
  async #record(key: string, value: string): Promise<string | undefined> {
    const { store } = this.#options;
    const recorded =
      store &&
      (await this.#try('record', async () => {
        const tag = await this.#commit(store, key, value);
        if (tag !== undefined) return undefined;
        return (await store.read({ partition: this.#partition, key }))?.value;
      }));
    this.#stored.set(key, recorded ?? value);
    return recorded;
  }

  #commit(store: KeyValueStore, key: string, value: string): Promise<string | undefined> {
    return withTimeout(STORE_TIMEOUT_MS, () =>
      store.commit(this.#partition, { key, tag: undefined }, [{ key, value }]),
    );
  }

  async #try<Result>(what: string, call: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await withTimeout(STORE_TIMEOUT_MS, call);
    } catch (error) {
      const { run, log } = this.#options;
      log.warn(`${this.#where()} could not ${what} steps: ${errorText(error)} (thread ${run.threadId})`);
      return undefined;
    }
  }

  get #prefix(): string {
    return `step|${this.#options.run.correlationId}|`;
  }

  #key(round: number, name: string): string {
    return `${this.#prefix}${String(round).padStart(4, '0')}|${name}`;
  }

  #where(): string {
    const { agentName, correlationId } = this.#options.run;
    return `[${agentName}][${correlationId}]`;
  }
}

function outcomeUnknown({ callId, toolName }: ToolCall): AgentError {
  const message = `The call ${cleanForeignText(callId, 60)} of ${toolName} was interrupted. It may have had its effect, so it is not repeated.`;
  return new AgentError('tool_outcome_unknown', message);
}

function rangeOf(correlationId: string): { readonly from: string; readonly before: string } {
  return { from: `step|${correlationId}|`, before: `step|${correlationId}~` };
}

function threeDigits(index: number): string {
  return String(index).padStart(3, '0');
}
