import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunWriter, writerFor } from '../support/append-events.js';
import { runOf } from '../support/callback-events.js';
import { createGate } from '../support/gate.js';
import { type FaultyService, newRun, WayToService } from './way-to-service.js';

const CHANGES = 50;

/** What other processes can do to a thread that one process writes to without a pause. */
export function describeBusyThreads(service: () => FaultyService): void {
  describe('a thread that a run streams into as fast as the store takes it', () => {
    let way: WayToService;
    beforeEach(async () => {
      way = await WayToService.open(service());
      await way.proxy.setFault({ kind: 'delay', requestMs: 5, answerMs: 5 });
    });
    afterEach(() => way.close());

    it(`is changed by another process ${CHANGES} of ${CHANGES} times`, { timeout: 120_000 }, async () => {
      const { thread, correlationId } = newRun();
      const other = way.createStore();
      const writer = new RunWriter(way.createStore(), thread, { ...runOf(), correlationId });
      const ending = new AbortController();
      let appended = createGate();
      const written = (async () => {
        while (!ending.signal.aborted) {
          expect(await writer.stream('chunk')).toMatchObject({ status: 'kept' });
          appended.open();
        }
      })();
      for (let number = 2; number < CHANGES + 2; number += 1) {
        // The writer has its turns as well.
        appended = createGate();
        await appended.opened;
        if (number % 2 === 0) await writerFor(other, thread, number).begin();
        else await other.clear(thread);
      }
      ending.abort();
      await written;
      await writer.final('the end');
      const { events } = await other.list(thread);
      expect(events.at(-1)).toMatchObject({ correlationId, eventType: 'final' });
    });
  });
}
