import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventLog, type LogEntry } from '../../../../src/audit/store/memory/event-log.js';
import { anyText } from '../../../support/any-text.js';

type Operation =
  | { readonly kind: 'append'; readonly text: string; readonly tag: string }
  | { readonly kind: 'dropOldest' }
  | { readonly kind: 'clear' };

/** The expected log: a plain list of texts. */
class NaiveLog {
  readonly kept: LogEntry<string>[] = [];
  lastSequence = 0;

  /** @returns the tag of the dropped texts */
  apply(operation: Operation): string | undefined {
    if (operation.kind === 'append') {
      this.lastSequence += 1;
      this.kept.push({ sequence: this.lastSequence, text: operation.text, tag: operation.tag });
      return undefined;
    }
    const [dropped] = this.kept.splice(0, operation.kind === 'clear' ? this.kept.length : 1);
    return operation.kind === 'clear' ? undefined : dropped?.tag;
  }

  slice(first: number, limit: number): LogEntry<string>[] {
    return this.kept.filter(({ sequence }) => sequence >= first).slice(0, limit);
  }
}

/** @returns the tag of the dropped texts */
function apply(log: EventLog<string>, operation: Operation): string | undefined {
  if (operation.kind === 'dropOldest') return log.dropOldest();
  if (operation.kind === 'append') log.append(operation.text, operation.tag);
  else log.clear();
  return undefined;
}

const text = fc.oneof(
  // Lone surrogates have no UTF-8 encoding. The stored text is JSON, which escapes them.
  { weight: 4, arbitrary: anyText().map((value) => JSON.stringify(value)) },
  // Lengths around and above the size of a chunk.
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 20_000 }).map((length) => 'x'.repeat(length)) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 5_000 }).map((length) => '€'.repeat(length)) },
);

const operations = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({ kind: fc.constant<'append'>('append'), text, tag: fc.string({ maxLength: 3 }) }),
    },
    { weight: 3, arbitrary: fc.constant<Operation>({ kind: 'dropOldest' }) },
    { weight: 1, arbitrary: fc.constant<Operation>({ kind: 'clear' }) },
  ),
  { maxLength: 60, size: 'max' },
);

describe('EventLog', () => {
  it.each([1021, 1022, 1023, 1024, 1025, 8189, 8190, 8191, 8192, 8193])(
    'keeps texts intact next to one of %i bytes, about the size of a chunk',
    (length) => {
      const log = new EventLog<number>();
      const texts = ['1', 'x'.repeat(length), '2', '3', 'x'.repeat(length - 2), '', '4'];
      for (const [index, value] of texts.entries()) log.append(value, index);
      expect(log.slice(1, texts.length)).toEqual(
        texts.map((value, index) => ({ sequence: index + 1, text: value, tag: index })),
      );
    },
  );

  it.each(['e', 'é', '€', '🌦️'])('reads many short texts, including %s, from any position', (odd) => {
    const log = new EventLog<number>();
    const texts = Array.from({ length: 2000 }, (_, index) => (index % 700 === 699 ? odd : `word ${index}`));
    for (const [index, value] of texts.entries()) log.append(value, index);
    const all = texts.map((value, index) => ({ sequence: index + 1, text: value, tag: index }));
    for (const first of [1, 2, 690, 1401, 1990]) {
      for (const limit of [1, 30, 2000]) {
        expect(log.slice(first, limit)).toEqual(all.slice(first - 1, first - 1 + limit));
      }
    }
  });

  it('counts, measures and drops like a naive list after any operations', () => {
    fc.assert(
      fc.property(operations, (sequence) => {
        const log = new EventLog<string>();
        const naive = new NaiveLog();
        for (const operation of sequence) {
          expect(apply(log, operation)).toBe(naive.apply(operation));
          expect(facts(log)).toEqual({
            firstSequence: naive.kept[0]?.sequence ?? naive.lastSequence + 1,
            lastSequence: naive.lastSequence,
            count: naive.kept.length,
            byteLength: Buffer.byteLength(naive.kept.map((entry) => entry.text).join('')),
          });
        }
      }),
    );
  });

  it('returns any slice like a naive list', () => {
    fc.assert(
      fc.property(operations, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(70), (sequence, start, limit) => {
        const log = new EventLog<string>();
        const naive = new NaiveLog();
        for (const operation of sequence) {
          apply(log, operation);
          naive.apply(operation);
        }
        fc.pre(log.count > 0);
        const first = log.firstSequence + Math.floor(start * (log.count - 1));
        expect(log.slice(first, limit + 1)).toEqual(naive.slice(first, limit + 1));
      }),
    );
  });
});

function facts({ firstSequence, lastSequence, count, byteLength }: EventLog<string>) {
  return { firstSequence, lastSequence, count, byteLength };
}
