import { sseFrame } from '../../functions/sse.js';
import type { EventFilter } from './read-events.js';
import type { CallbackEventPage, CallbackEventStore } from '../store/callback-event-store.js';
import type { EventThread } from '../domain/event-thread.js';
import type { EventCursor } from '../domain/event-cursor.js';
import type { StoredEvent } from '../domain/stored-event.js';
import { winningAttempt } from '../domain/run-record.js';

export type SentAttempt = Pick<StoredEvent, 'correlationId' | 'attempt'>;

/** Of which attempts a reader has events, to tell it when they are void. */
export class SentAttempts {
  readonly #attempts = new Map<string, number>();

  /** Takes the event at which a reader goes on as sent: it is that of the run that was under way when it left. */
  async begin(store: CallbackEventStore, thread: EventThread, after: EventCursor, filter: EventFilter): Promise<void> {
    if (after.sequence === 0) return;
    const { events, next } = await store.list(thread, { after: { ...after, sequence: after.sequence - 1 }, limit: 1 });
    const [last] = events;
    const isWanted = filter.correlationId === undefined || last?.correlationId === filter.correlationId;
    const isSameRecord = after.epoch === undefined || after.epoch === next.epoch;
    if (last?.sequence === after.sequence && isSameRecord && isWanted) this.add(last);
  }

  add({ correlationId, attempt }: SentAttempt): void {
    this.#attempts.set(correlationId, attempt);
  }

  forget(): void {
    this.#attempts.clear();
  }

  /** The attempts that a page's runs show to be void, as another one has begun since; each is told once. */
  takeSuperseded({ runs }: CallbackEventPage): SentAttempt[] {
    return [...runs.values()].flatMap((run) => {
      const { correlationId } = run;
      const attempt = this.#attempts.get(correlationId);
      if (attempt === undefined || attempt >= winningAttempt(run)) return [];
      this.#attempts.delete(correlationId);
      return [{ correlationId, attempt }];
    });
  }

  /** The same as frames of a stream. */
  supersededFrames(page: CallbackEventPage): string {
    return this.takeSuperseded(page)
      .map(({ correlationId, attempt }) =>
        sseFrame({ event: 'superseded', data: { correlation_id: correlationId, attempt } }),
      )
      .join('');
  }
}
