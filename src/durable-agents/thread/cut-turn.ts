import type { ThreadContent, ThreadEntry } from './thread-state.js';

/** Minimum size of a cut part, in bytes of JSON, without {@link CUT_MARK}. */
const MIN_KEPT_BYTES = 64;
/** Marks the end of a cut text for the model and for readers. */
const CUT_MARK = '… [cut: the thread has reached AGENT_MAX_STATE_BYTES]';

/**
 * Cuts the parts of a turn until it is smaller by `excess` bytes, or nothing is left to cut: tool results first, then
 * reasoning, then the texts of the answer, then the arguments of calls, each from the largest on. A cut text
 * or result ends with a mark; the arguments of a cut call become `{}`. Each cut part has its original size in
 * `extensionData`. Never cuts the request.
 */
export function cutNewestTurn(
  turn: readonly ThreadEntry[],
  excess: number,
): { readonly entries: ThreadEntry[]; readonly isCut: boolean } {
  const entries = structuredClone([...turn]);
  const contents = entries
    .filter(({ $type }) => $type !== 'request')
    .flatMap(({ messages = [] }) => messages.flatMap((message) => message.contents ?? []));
  let left = excess;
  for (const kind of ['functionResult', 'reasoning', 'text', 'functionCall'] as const) {
    const parts = contents.filter(({ $type }) => $type === kind).toSorted((one, other) => sizeOf(other) - sizeOf(one));
    for (const part of parts) {
      if (left > 0) left -= cutBy(part, left);
    }
  }
  return { entries, isCut: left < excess };
}

/** Returns whether a content of the stored state was cut. */
export function isCut(content: ThreadContent): boolean {
  const { extensionData } = content;
  return typeof extensionData === 'object' && extensionData !== null && 'truncated' in extensionData;
}

/** Makes a content smaller by `excess` bytes, if possible. @returns the number of removed bytes */
function cutBy(content: ThreadContent, excess: number): number {
  const before = sizeOf(content);
  const note = { truncated: true, byteLength: before };
  const addedBytes = sizeOf({ extensionData: note }) + Buffer.byteLength(CUT_MARK);
  const cutValue = (value: unknown): string | undefined => {
    const keptBytes = Math.max(MIN_KEPT_BYTES, sizeOf(value) - excess - addedBytes);
    if (keptBytes + addedBytes >= sizeOf(value)) return undefined;
    return cutText(typeof value === 'string' ? value : JSON.stringify(value), keptBytes);
  };
  const changes = changesOf(content, cutValue);
  if (changes === undefined) return 0;
  const earlier = content['extensionData'];
  Object.assign(content, changes, { extensionData: { ...(isRecord(earlier) && earlier), ...note } });
  return before - sizeOf(content);
}

/** Returns the changes of a content when its value is cut. Undefined if there is nothing to cut. */
function changesOf(content: ThreadContent, cutValue: (value: unknown) => string | undefined): object | undefined {
  switch (content.$type) {
    case 'functionResult': {
      const result = cutValue(content.result);
      return result === undefined ? undefined : { result };
    }
    case 'reasoning':
    case 'text': {
      const text = cutValue(content.text);
      return text === undefined ? undefined : { text };
    }
    case 'functionCall':
      // A part of a JSON object is not valid JSON, so the arguments become empty.
      return cutValue(content.arguments) === undefined ? undefined : { arguments: {} };
    default:
      return undefined;
  }
}

/** Returns the longest prefix of a text that fits into `maxBytes` as JSON, followed by the mark. */
function cutText(text: string, maxBytes: number): string {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (sizeOf(text.slice(0, middle)) <= maxBytes) low = middle;
    else high = middle - 1;
  }
  // Do not cut a surrogate pair.
  const kept = text.slice(0, low).replace(/[\uD800-\uDBFF]$/, '');
  return kept + CUT_MARK;
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
