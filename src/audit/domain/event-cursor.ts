import type { ThreadHead } from './thread-head.js';

/** A position in a thread's log: after the event with this sequence. Clients receive it as opaque text. */
export interface EventCursor {
  /** The log that the position belongs to. Undefined: whichever log the thread has. */
  readonly epoch?: string;
  /** 0: before the first event. */
  readonly sequence: number;
}

/** Before the first event of whichever log there is. */
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
 * Whether what a reader has seen up to a cursor is no longer in the log: it was cleared or dropped, or the log is
 * another one. The reader has to discard it and begin with the oldest stored event. A cursor before the first event is
 * never lost, as its reader has seen nothing.
 */
export function isLost({ epoch, sequence }: EventCursor, head: ThreadHead | undefined): boolean {
  if (sequence === 0) return false;
  if (head === undefined || (epoch !== undefined && epoch !== head.epoch)) return true;
  return sequence > head.newestSequence || sequence < head.oldestSequence;
}

/** After the newest event, for a reader that only wants what comes next. */
export function endOf(head: ThreadHead | undefined): EventCursor {
  if (head === undefined) return START;
  const { epoch, oldestSequence, newestSequence } = head;
  // The last event of a cleared log is no position to continue from: it is lost.
  return { epoch, sequence: oldestSequence > newestSequence ? 0 : newestSequence };
}
