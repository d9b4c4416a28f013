/**
 * A place in the record of a thread: behind the event with this sequence. Clients get it as opaque text.
 */
export interface EventCursor {
  /** Which record is meant: a thread that was lost and begins again has another. Absent: whichever there is. */
  readonly epoch?: string;
  /** 0: before the first event. */
  readonly sequence: number;
}

/** What a store knows of the record of a thread. */
export interface EventRecord {
  /** New each time the record begins: with the first event, and again when it was lost or dropped whole. */
  readonly epoch: string;
  /** Counts whatever changes in the record: events, attempts, marks, what was removed. */
  readonly version: number;
  /** Of the oldest kept event; one more than `newestSequence` when none is kept. */
  readonly oldestSequence: number;
  /** Of the newest event, also when it was cleared. */
  readonly newestSequence: number;
  /** The attempt that was begun last, before it has events; absent before the first, and once the record was cleared. */
  readonly newestAttempt?: { readonly correlationId: string; readonly attempt: number };
}

/** Before everything, in whichever record there is. */
export const START: EventCursor = { sequence: 0 };

const CURSOR = /^(?:([0-9a-z]{1,32})-)?(\d{1,15})$/;

/** Reads a cursor, `{epoch}-{sequence}` or a plain sequence; `undefined` for anything else. */
export function parseCursor(text: string): EventCursor | undefined {
  const [, epoch, sequence] = CURSOR.exec(text) ?? [];
  if (sequence === undefined) return undefined;
  return { sequence: Number(sequence), ...(epoch !== undefined && { epoch }) };
}

export function formatCursor({ epoch, sequence }: EventCursor): string {
  return epoch === undefined ? String(sequence) : `${epoch}-${sequence}`;
}

/**
 * Whether what a reader has seen up to a cursor is no longer what the record holds: it was cleared or dropped, or the
 * record is another one. The reader has to forget it and begin with the oldest kept event.
 */
export function isLost(cursor: EventCursor, record: EventRecord | undefined): boolean {
  if (record === undefined) return cursor.sequence > 0 || cursor.epoch !== undefined;
  if (cursor.epoch !== undefined && cursor.epoch !== record.epoch) return true;
  const { sequence } = cursor;
  return sequence > record.newestSequence || (sequence > 0 && sequence < record.oldestSequence);
}

/** Behind the newest event: for a reader that only wants to see what comes. */
export function endOf(record: EventRecord | undefined): EventCursor {
  if (record === undefined) return START;
  const { epoch, oldestSequence, newestSequence } = record;
  // The last event of a record that was cleared is no place to go on from: it is lost.
  return { epoch, sequence: oldestSequence > newestSequence ? 0 : newestSequence };
}
