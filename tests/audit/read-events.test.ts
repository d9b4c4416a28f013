import { describe, expect, it } from 'vitest';
import type { CallbackEventPage, EventThread, ListOptions } from '../../src/audit/callback-event-store.js';
import { MemoryCallbackEventStore } from '../../src/audit/memory-callback-event-store.js';
import { eventsOf, readEvents } from '../../src/audit/read-events.js';
import { ofRun, runId, streamEvent, thread } from '../support/callback-events.js';
import { createRecordingLog } from '../support/recording-log.js';

/** Is cleared, and has one new event, right after its first page was read. */
class StoreClearedOnTheWay extends MemoryCallbackEventStore {
  #wasRead = false;

  constructor() {
    super({ maxThreads: 10, maxEventsPerThread: 10_000, maxBytes: 67_108_864, log: createRecordingLog() });
  }

  override async list(of: EventThread, options?: ListOptions): Promise<CallbackEventPage> {
    const page = await super.list(of, options);
    if (!this.#wasRead) {
      this.#wasRead = true;
      await this.clear(of);
      await this.append(ofRun(1, streamEvent('after the clear')));
    }
    return page;
  }
}

describe('reading the events of one run', () => {
  it('forgets what it has found when the thread is cleared on the way, and tells of it', async () => {
    const store = new StoreClearedOnTheWay();
    for (let count = 0; count < 1500; count += 1) await store.append(ofRun(1, streamEvent()));
    const page = await readEvents(store, thread, { correlationId: runId(1) });
    expect(page).toMatchObject({ reset: true, count: 1, next: { sequence: 1501 } });
    expect(eventsOf(page)).toMatchObject([{ text: 'after the clear', sequence: 1501 }]);
  });
});
