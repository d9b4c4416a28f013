import type { ThreadHead } from './thread-head.js';

/** A position in a thread's log: after the event with this sequence. Clients receive it as opaque text. */
export interface EventCursor {
  /** The log that the position belongs to. Undefined: the thread's current log. */
  readonly epoch?: string;
  /** 0: before the first event. */
  readonly sequence: number;
}

/** The position before the first event of the current log. */
export const START: EventCursor = { sequence: 0 };

const CURSOR = /^(?:([0-9a-z]{1,32})-)?(\d{1,15})$/;

/** Parses a cursor: `{epoch}-{sequence}` or a plain sequence. Returns `undefined` for anything else. */
export function parseCursor(text: string): EventCursor | undefined {
  const [, epoch, sequence] = CURSOR.exec(text) ?? [];
  if (sequence === undefined) return undefined;
  return { sequence: Number(sequence), ...(epoch !== undefined && { epoch }) };
}

export function formatCursor({ epoch, sequence }: EventCursor): string {
  return epoch === undefined ? String(sequence) : `${epoch}-${sequence}`;
}

/**
 * Returns whether the events up to a cursor are no longer in the log, because they were cleared or dropped, or because
 * the thread has another log. The reader must discard them and start with the oldest stored event. A cursor before the
 * first event is never lost, because its reader has no events.
 */
export function isLost({ epoch, sequence }: EventCursor, head: ThreadHead | undefined): boolean {
  if (sequence === 0) return false;
  if (head === undefined || (epoch !== undefined && epoch !== head.epoch)) return true;
  return sequence > head.newestSequence || sequence < head.oldestSequence;
}

/** Returns the position after the newest event, for a reader that wants only later events. */
export function endOf(head: ThreadHead | undefined): EventCursor {
  if (head === undefined) return START;
  const { epoch, oldestSequence, newestSequence } = head;
  // The last event of a cleared log is lost, so no reader can continue from it.
  return { epoch, sequence: oldestSequence > newestSequence ? 0 : newestSequence };
}
