import type { EventThread } from '../../domain/event-thread.js';
import { threadKey } from '../../domain/event-thread.js';

/*
 * Keys of a table compare by code unit, with regard to case, and may hold anything but / \ # ? and control characters.
 * Agent names hold no `|`, which separates them from thread ids. Numbers have leading zeros, so that rows are in the
 * order of their numbers. A thread's partition holds:
 *
 *   head                                                 what is known of the thread
 *   e|{sequence}                                         an event
 *   r|{epoch}|{correlation id}                      a run, with its request message
 *   p|{sequence}|{token}|{part}                          a part of a text that is too long for an event's row
 *   m|{epoch}|{correlation id}|{token}|{part}       a part of a message that is too long for a run's row
 *
 * The partition with the name of an agent is the list of its threads: a row for each, with the thread id as its key.
 */

/** Rows whose keys are `from` or behind it, and before `before`. */
export interface KeyRange {
  readonly from: string;
  readonly before: string;
}

export const HEAD_KEY = 'head';

/** The rows of a thread around its head. */
export const EVERYTHING_BUT_HEAD: readonly KeyRange[] = [
  { from: 'e|', before: 'e}' },
  { from: 'm|', before: 'r}' },
];

const SEQUENCE_DIGITS = 15;
const PART_DIGITS = 6;
/** Behind every sequence that is used. */
const MAX_SEQUENCE = 10 ** SEQUENCE_DIGITS - 1;

export function threadPartition({ agentName, threadId }: EventThread): string {
  return threadKey({ agentName, threadId: threadIdKey(threadId) });
}

/**
 * A thread id as a key, or part of one. If it holds a character that a key must not hold, it is escaped and starts with
 * a space, which no thread id does.
 */
export function threadIdKey(threadId: string): string {
  return /[#?%]/.test(threadId) ? ` ${threadId.replaceAll(/[#?%~]/g, escapeCharacter)}` : threadId;
}

/** Reads {@link threadIdKey} back. */
export function threadIdOfKey(key: string): string {
  if (!key.startsWith(' ')) return key;
  return key.slice(1).replaceAll(/~(..)/g, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function escapeCharacter(character: string): string {
  return `~${character.charCodeAt(0).toString(16)}`;
}

export function agentPartition(agentName: string): string {
  return agentName;
}

/** The agent whose list of threads, or one of whose threads, a partition holds. */
export function agentNameOf(partitionKey: string): string {
  return partitionKey.split('|', 1)[0] ?? partitionKey;
}

/** Behind the partitions of all threads of an agent, and before those of any other agent that stands behind them. */
export function behindThreadsOf(agentName: string): string {
  return `${agentName}}`;
}

export function eventKey(sequence: number): string {
  return `e|${sequenceText(sequence)}`;
}

/** The sequence in the key of an event. */
export function sequenceOf(key: string): number {
  return Number(key.slice(key.indexOf('|') + 1));
}

export function runKey(epoch: string, correlationId: string): string {
  return `r|${epoch}|${correlationId}`;
}

export function eventPartKeys(sequence: number, token: string): string {
  return `p|${sequenceText(sequence)}|${token}`;
}

export function messagePartKeys(epoch: string, correlationId: string, token: string): string {
  return `m|${epoch}|${correlationId}|${token}`;
}

export function partKey(keys: string, part: number): string {
  return `${keys}|${String(part).padStart(PART_DIGITS, '0')}`;
}

/** All keys that begin so, and go on with a `|`. */
export function keysUnder(prefix: string): KeyRange {
  return { from: `${prefix}|`, before: `${prefix}}` };
}

export function runsOf(epoch: string): KeyRange {
  return keysUnder(`r|${epoch}`);
}

export function messagesOf(epoch: string, correlationId: string): KeyRange {
  return keysUnder(`m|${epoch}|${correlationId}`);
}

export function eventsFrom(sequence: number): KeyRange {
  return { from: eventKey(sequence), before: 'e}' };
}

export function eventsBefore(sequence: number): KeyRange {
  return { from: 'e|', before: eventKey(sequence) };
}

export function eventPartsBefore(sequence: number): KeyRange {
  return { from: 'p|', before: `p|${sequenceText(sequence)}` };
}

export function runsBefore(epoch: string): KeyRange {
  return { from: 'r|', before: `r|${epoch}` };
}

export function messagesBefore(epoch: string): KeyRange {
  return { from: 'm|', before: `m|${epoch}` };
}

function sequenceText(sequence: number): string {
  return String(Math.min(sequence, MAX_SEQUENCE)).padStart(SEQUENCE_DIGITS, '0');
}
