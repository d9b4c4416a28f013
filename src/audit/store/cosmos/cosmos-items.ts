import { createHash } from 'node:crypto';
import type { EventThread } from '../../domain/event-thread.js';
import type { StoredEvent } from '../../domain/stored-event.js';
import type { RunRecord } from '../../domain/run-record.js';
import { splitText } from '../../../storage/request-limits.js';
import type { ThreadHead } from '../../domain/thread-head.js';

/*
 * What is kept of a thread in its partition, whose key is the thread's. Ids hold letters, digits and hyphens only, which
 * no tool around Cosmos DB has trouble with.
 *
 * No item says when it ends: the container does, for all alike, so many days after an item was written. The head is
 * written with each change and a run with each of its events, so that neither ends before an event that is read with it.
 */

export interface Item {
  readonly id: string;
  readonly partition: string;
}

/** All that a thread's changes are compared by. */
export interface HeadItem extends Item {
  readonly agentName: string;
  readonly threadId: string;
  readonly head: ThreadHead;
}

/** A run without its request message if that is long, as the run is written with each of its events. */
export interface RunItem extends Item {
  readonly epoch: string;
  readonly run: Omit<RunRecord, 'requestMessage'>;
  readonly requestMessage?: string;
  /** Ids of the items that hold the message instead. */
  readonly parts?: readonly string[];
}

/** Events that were appended together: one write however many, so that a throttled container takes more at a time. */
export interface EventsItem extends Item {
  readonly epoch: string;
  /** Of the last one. */
  readonly sequence: number;
  readonly events?: readonly StoredEvent[];
  /** Ids of the items that hold the events instead. */
  readonly parts?: readonly string[];
}

/** A piece of the JSON text of what is too large for one item, or for one transaction. */
export interface PartItem extends Item {
  readonly epoch: string;
  /** The last sequence of the events that it is a part of; absent for a request message. */
  readonly partOf?: number;
  readonly text: string;
}

/** What is to be written as one, and the parts that have to be there before. */
export interface ItemWithParts<Whole> {
  readonly item: Whole;
  readonly parts: readonly PartItem[];
}

export const HEAD_ID = 'head';

/** An item may have 2 MB, a transaction as well. */
const MAX_INLINE_BYTES = 1_000_000;
const MAX_INLINE_MESSAGE_BYTES = 1024;
/** In UTF-16 code units, which become 3 bytes of UTF-8 at the most. */
const MAX_PART_LENGTH = 500_000;

const SEQUENCE_DIGITS = 15;

export function headItem(partition: string, { agentName, threadId }: EventThread, head: ThreadHead): HeadItem {
  return { id: HEAD_ID, partition, agentName, threadId, head };
}

export function runItem(partition: string, epoch: string, record: RunRecord): ItemWithParts<RunItem> {
  const { requestMessage, ...run } = record;
  const item = { id: runId(epoch, run.correlationId), partition, epoch, run };
  // A message with half a surrogate pair is safe as JSON text, which is all parts hold.
  if (Buffer.byteLength(requestMessage) <= MAX_INLINE_MESSAGE_BYTES && requestMessage.isWellFormed()) {
    return { item: { ...item, requestMessage }, parts: [] };
  }
  const parts = partItems({ partition, epoch }, JSON.stringify(requestMessage));
  return { item: { ...item, parts: parts.map(({ id }) => id) }, parts };
}

/** @param events of one change, at least one */
export function eventsItem(
  partition: string,
  epoch: string,
  events: readonly StoredEvent[],
): ItemWithParts<EventsItem> {
  const first = events[0]?.sequence ?? 0;
  const sequence = first + events.length - 1;
  const id = `events-${String(first).padStart(SEQUENCE_DIGITS, '0')}`;
  const item = { id, partition, epoch, sequence };
  const json = JSON.stringify(events);
  if (Buffer.byteLength(json) <= MAX_INLINE_BYTES) return { item: { ...item, events }, parts: [] };
  const parts = partItems({ partition, epoch, partOf: sequence }, json);
  return { item: { ...item, parts: parts.map((part) => part.id) }, parts };
}

/** Of the run's item. */
export function runId(epoch: string, correlationId: string): string {
  return `run-${epoch}-${correlationId}`;
}

/** Named by what they hold: whoever writes the same parts again, or at the same time, writes the same. */
function partItems(common: Pick<PartItem, 'partition' | 'epoch' | 'partOf'>, json: string): PartItem[] {
  const hash = createHash('sha256').update(json).digest('hex').slice(0, 32);
  return splitText(json, MAX_PART_LENGTH).map((text, index) => {
    return { id: `part-${common.epoch}-${hash}-${index}`, ...common, text };
  });
}
