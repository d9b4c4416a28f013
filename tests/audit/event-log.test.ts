import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventLog } from '../../src/audit/event-log.js';

type Operation =
  | { readonly kind: 'append'; readonly json: string }
  | { readonly kind: 'dropOldest' }
  | { readonly kind: 'clear' };

/** Keeps events as the obvious list. */
class NaiveLog {
  readonly kept: { sequence: number; json: string }[] = [];
  lastSequence = 0;

  apply(operation: Operation): void {
    if (operation.kind === 'append') {
      this.lastSequence += 1;
      this.kept.push({ sequence: this.lastSequence, json: operation.json });
    } else {
      this.kept.splice(0, operation.kind === 'clear' ? this.kept.length : 1);
    }
  }

  slice(first: number, limit: number): string {
    const events = this.kept.filter(({ sequence }) => sequence >= first).slice(0, limit);
    return `[${events.map(({ json }) => json).join(',')}]`;
  }
}

function apply(log: EventLog, operation: Operation): void {
  if (operation.kind === 'append') log.append(operation.json);
  else log[operation.kind]();
}

const json = fc
  .oneof(
    { weight: 4, arbitrary: fc.string({ unit: 'binary' }) },
    // Around and beyond the sizes in which memory is taken.
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 20_000 }).map((length) => 'x'.repeat(length)) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 5_000 }).map((length) => '€'.repeat(length)) },
  )
  .map((text) => JSON.stringify(text));

const operations = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: json.map((text): Operation => ({ kind: 'append', json: text })) },
    { weight: 3, arbitrary: fc.constant<Operation>({ kind: 'dropOldest' }) },
    { weight: 1, arbitrary: fc.constant<Operation>({ kind: 'clear' }) },
  ),
  { maxLength: 60, size: 'max' },
);

describe('EventLog', () => {
  it.each([1021, 1022, 1023, 1024, 1025, 8189, 8190, 8191, 8192, 8193])(
    'keeps events whole beside one of %i bytes, which fills a piece of memory or nearly so',
    (length) => {
      const log = new EventLog();
      const texts = ['1', 'x'.repeat(length), '2', '3', 'x'.repeat(length - 2), '4'];
      for (const text of texts) log.append(text);
      expect(log.slice(1, texts.length).toString()).toBe(`[${texts.join(',')}]`);
    },
  );

  it('counts and measures as a naive list does, whatever is done to it', () => {
    fc.assert(
      fc.property(operations, (sequence) => {
        const log = new EventLog();
        const naive = new NaiveLog();
        for (const operation of sequence) {
          apply(log, operation);
          naive.apply(operation);
          expect(facts(log)).toEqual({
            firstSequence: naive.kept[0]?.sequence ?? naive.lastSequence + 1,
            lastSequence: naive.lastSequence,
            count: naive.kept.length,
            byteLength: Buffer.byteLength(naive.kept.map((event) => event.json).join('')),
          });
        }
      }),
    );
  });

  it('serves any slice as a naive list does', () => {
    fc.assert(
      fc.property(operations, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(70), (sequence, start, limit) => {
        const log = new EventLog();
        const naive = new NaiveLog();
        for (const operation of sequence) {
          apply(log, operation);
          naive.apply(operation);
        }
        fc.pre(log.count > 0);
        const first = log.firstSequence + Math.floor(start * (log.count - 1));
        expect(log.slice(first, limit + 1).toString()).toBe(naive.slice(first, limit + 1));
      }),
    );
  });
});

function facts({ firstSequence, lastSequence, count, byteLength }: EventLog) {
  return { firstSequence, lastSequence, count, byteLength };
}
