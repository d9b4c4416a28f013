import { describe, expect, it, vi } from 'vitest';
import type { CallbackEventStore } from '../../src/audit/store/callback-event-store.js';
import { StorageError } from '../../src/storage/storage-error.js';
import { RunWriter } from '../support/append-events.js';
import { finalEvent, streamEvent } from '../support/callback-events.js';
import type { Fault } from '../support/fault.js';
import { type FaultyService, type NewRun, newRun, ServiceConnection } from './service-connection.js';

/** Not timing checks: they detect hangs. */
const REFUSED_WITHIN_MS = 15_000;
const BACK_WITHIN_MS = 15_000;
const TEST_TIMEOUT_MS = 60_000;

/** Readers, while the service is unreachable and afterwards. */
export function describeReaders(service: () => FaultyService, { isHttp }: { readonly isHttp: boolean }): void {
  const outages: [string, Fault][] = [
    ['swallows everything', { kind: 'black-hole' }],
    ['is refused', { kind: 'refuse' }],
    ['loses all answers', { kind: 'lose-answers' }],
  ];
  if (isHttp) outages.push(['leads to an overloaded service', { kind: 'answer', status: 503, retryAfterSeconds: 30 }]);

  describe.concurrent.each(outages)('rejects reads while the connection %s', (_what, fault) => {
    it(
      'and returns everything afterwards',
      async () => {
        const connection = await ServiceConnection.open(service());
        try {
          const run = newRun();
          await writerOf(connection.direct, run).append(streamEvent('Hello'), finalEvent('Hello'));
          const [used, unused] = [connection.createStore(), connection.createStore()];
          await used.list(run.thread);
          await connection.proxy.setFault(fault);
          const refused = [used, unused].flatMap((store) => requests(store, run).map((request) => refusalOf(request)));
          for (const error of await Promise.all(refused)) expect(error).toBeInstanceOf(StorageError);
          await connection.proxy.setFault({ kind: 'none' });
          for (const store of [used, unused]) {
            await vi.waitFor(() => store.ping(), { timeout: BACK_WITHIN_MS });
            expect((await store.list(run.thread)).events).toHaveLength(2);
            expect(await store.readRun(run.thread, run.correlationId)).toMatchObject({ attempts: [{ attempt: 1 }] });
          }
        } finally {
          await connection.close();
        }
      },
      TEST_TIMEOUT_MS,
    );

    it(
      'and then wakes waiting readers for changes during and after the outage',
      async () => {
        const connection = await ServiceConnection.open(service());
        try {
          const run = newRun();
          const writer = writerOf(connection.direct, run);
          await writer.stream('one');
          const store = connection.createStore();
          const { head } = await store.list(run.thread);
          const signal = AbortSignal.timeout(BACK_WITHIN_MS);
          const first = store.waitForChange(run.thread, head, signal);
          await connection.proxy.setFault(fault);
          const fromThere = connection.createStore().waitForChange(run.thread, head, signal);
          await writer.stream('two');
          await refusalOf(store.list(run.thread));
          await connection.proxy.setFault({ kind: 'none' });
          expect(await Promise.all([first, fromThere])).toEqual([true, true]);
          const page = await vi.waitFor(() => store.list(run.thread), { timeout: BACK_WITHIN_MS });
          expect(page.events).toHaveLength(2);

          const second = store.waitForChange(run.thread, page.head, signal);
          await writer.stream('three');
          expect(await second).toBe(true);
        } finally {
          await connection.close();
        }
      },
      TEST_TIMEOUT_MS,
    );
  });
}

function writerOf(store: CallbackEventStore, { thread, correlationId }: NewRun): RunWriter {
  return new RunWriter(store, thread, describeRun(correlationId));
}

function describeRun(correlationId: string) {
  return { correlationId, requestMessage: 'Hello', acceptedAt: new Date().toISOString() };
}

/** All store calls on behalf of readers. */
function requests(store: CallbackEventStore, { thread, correlationId }: NewRun): Promise<unknown>[] {
  return [
    store.list(thread),
    store.list(thread, { limit: 1 }),
    store.readRun(thread, correlationId),
    store.readHead(thread),
    store.ping(),
    store.beginAttempt(thread, describeRun(correlationId), 'refused', new Date().toISOString()),
  ];
}

/** The error that a call rejects with. */
async function refusalOf(request: Promise<unknown>): Promise<unknown> {
  const late = new Promise((resolve) => setTimeout(resolve, REFUSED_WITHIN_MS, 'no answer at all').unref());
  const answered = request.then(
    () => 'an answer',
    (error: unknown) => error,
  );
  return Promise.race([answered, late]);
}
