import { setTimeout as delay } from 'node:timers/promises';
import { ConversationAuditTrail } from '../../src/audit/recording/conversation-audit-trail.js';
import type { CallbackEventStore } from '../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../src/audit/domain/event-thread.js';
import { StoreHealth } from '../../src/audit/recording/store-health.js';
import type { AgentCallbackContext } from '../../src/durable-agents/index.js';
import { createRecordingLog } from '../support/recording-log.js';

export const PIECES = 200;

/** Models often send several pieces at once. */
const BURST = 5;
const BURST_PAUSE_MS = 20;

export interface RecordedRunOptions {
  readonly store: CallbackEventStore;
  readonly thread: EventThread;
  readonly correlationId: string;
  /** Part of each piece, so that mixed attempts are detected. */
  readonly name: string;
  /** How long the store may acknowledge nothing. Defaults to the value of the app. */
  readonly patienceMs?: number;
}

/** One delivery of a run of 200 updates, recorded by the audit trail as in the app. */
export class RecordedRun {
  readonly name: string;
  readonly context: AgentCallbackContext;
  readonly log = createRecordingLog();
  readonly #health: StoreHealth;
  readonly #trail: ConversationAuditTrail;
  /** The longest time that one callback call delayed the run. */
  longestStallMs = 0;

  constructor({ store, thread, correlationId, name, patienceMs }: RecordedRunOptions) {
    this.name = name;
    this.#health = new StoreHealth(store);
    this.context = {
      ...thread,
      sessionId: thread.threadId,
      attempt: 1,
      log: this.log,
      correlationId,
      requestMessage: 'Tell me a long story',
      requestedAt: new Date().toISOString(),
    };
    this.#trail = new ConversationAuditTrail({
      store,
      health: this.#health,
      log: { updates: true, previewChars: 0 },
      ...(patienceMs !== undefined && { patienceMs }),
    });
  }

  /** The number of events that the log reports as lost. */
  get toldLost(): number {
    return this.log.lines.reduce((sum, line) => {
      const [, lost] = /^warn .* (\d+) of the run's \d+ events are lost/.exec(line) ?? [];
      return sum + Number(lost ?? 0);
    }, 0);
  }

  /** Whether the store has acknowledged the last event. */
  get isEndAcknowledged(): boolean {
    return this.log.lines.some((line) => line.endsWith(' final response recorded'));
  }

  async lostEventsOfHealth(): Promise<number> {
    return (await this.#health.details()).callback_store.lost_events;
  }

  /** Plays the run to its end. @param onUpdate called before each update with its index */
  async play(onUpdate: (index: number) => Promise<void> = async () => undefined): Promise<void> {
    await this.#timed(() => this.#trail.onAgentStart(this.context));
    for (let index = 0; index < PIECES; index += 1) {
      await onUpdate(index);
      const text = pieceOf(this.name, index);
      await this.#timed(() => this.#trail.onStreamingResponseUpdate({ kind: 'text', text }, this.context));
      if ((index + 1) % BURST === 0) await delay(BURST_PAUSE_MS);
    }
    const text = Array.from({ length: PIECES }, (_, index) => pieceOf(this.name, index)).join('');
    const answer = { text, messages: [], finishReason: 'stop' } as const;
    await this.#timed(() => this.#trail.onAgentResponse(answer, this.context));
  }

  async #timed(call: () => void | Promise<void>): Promise<void> {
    const begun = performance.now();
    await call();
    this.longestStallMs = Math.max(this.longestStallMs, performance.now() - begun);
  }
}

export function pieceOf(name: string, index: number): string {
  return `${name}.${index} `;
}
