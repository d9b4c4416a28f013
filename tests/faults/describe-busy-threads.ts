import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunWriter, writerFor } from '../support/append-events.js';
import { runOf } from '../support/callback-events.js';
import { createGate } from '../support/gate.js';
import { type FaultyService, newRun, ServiceConnection } from './service-connection.js';

const CHANGES = 20;

/** Other processes can change a thread that one process writes to without pause. */
export function describeBusyThreads(service: () => FaultyService): void {
  describe('a thread that a run appends to as fast as the store allows', () => {
    let connection: ServiceConnection;
    beforeEach(async () => {
      connection = await ServiceConnection.open(service());
      await connection.proxy.setFault({ kind: 'delay', requestMs: 5, answerMs: 5 });
    });
    afterEach(() => connection.close());

    it(`accepts ${CHANGES} of ${CHANGES} changes of another process`, { timeout: 120_000 }, async () => {
      const { thread, correlationId } = newRun();
      const other = connection.createStore();
      const writer = new RunWriter(connection.createStore(), thread, { ...runOf(), correlationId });
      const ending = new AbortController();
      let appended = createGate();
      const written = (async () => {
        while (!ending.signal.aborted) {
          expect(await writer.stream('chunk')).toMatchObject({ status: 'kept' });
          appended.open();
        }
      })();
      for (let number = 2; number < CHANGES + 2; number += 1) {
        // The writer makes progress too.
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
