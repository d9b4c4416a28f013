import { setTimeout as delay } from 'node:timers/promises';
import type { CallbackEventStore } from '../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../src/audit/domain/event-thread.js';
import { StorageError } from '../../src/storage/storage-error.js';

const READ_EVERY_MS = 100;

/**
 * Reads a thread until `ended` is aborted and a read has succeeded. Events must not disappear, even during an outage.
 *
 * @returns the violations
 */
export async function readAgainAndAgain(
  store: CallbackEventStore,
  thread: EventThread,
  ended: AbortSignal,
): Promise<readonly string[]> {
  const problems: string[] = [];
  let seen: number | undefined;
  while (!ended.aborted || seen === undefined) {
    try {
      const { events } = await store.list(thread);
      seen ??= 0;
      if (events.length < seen) problems.push(`there were ${seen} events, then ${events.length}`);
      if (events.some(({ sequence }, index) => sequence !== index + 1)) problems.push('there is a gap');
      seen = Math.max(seen, events.length);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
    await delay(READ_EVERY_MS);
  }
  return problems;
}
