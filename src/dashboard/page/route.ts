import type { ThreadAddress } from './api/thread-source.js';

/** What the page shows, according to the part of the address after `#`. */
export type Route =
  | { readonly view: 'overview' }
  /** The list alone, on a phone, which is too narrow for two columns. */
  | { readonly view: 'threads' }
  | { readonly view: 'new' }
  | ({
      readonly view: 'thread';
      /** Correlation id of the run to show; `undefined` for the latest. */
      readonly runId: string | undefined;
    } & ThreadAddress);

/** Parses the part after `#`. Anything unknown is the overview. */
export function parseRoute(hash: string): Route {
  if (hash === NEW_THREAD_HREF) return { view: 'new' };
  if (hash === THREADS_HREF) return { view: 'threads' };
  const [, agentName, threadId, runId] = /^#\/([A-Za-z][\w-]{0,63})\/([^/]+)(?:\/([\w-]+))?$/.exec(hash) ?? [];
  if (agentName === undefined || threadId === undefined) return { view: 'overview' };
  const decoded = decodeThreadId(threadId);
  return decoded === undefined ? { view: 'overview' } : { view: 'thread', agentName, threadId: decoded, runId };
}

export const HOME_HREF = '#/';
export const THREADS_HREF = '#/threads';
export const NEW_THREAD_HREF = '#/new';

/** @param runId - correlation id of a run in the thread */
export function threadHref({ agentName, threadId }: ThreadAddress, runId?: string): string {
  return `#/${agentName}/${encodeURIComponent(threadId)}${runId === undefined ? '' : `/${runId}`}`;
}

/** Whether the app accepts a thread id. */
export function isThreadId(text: string): boolean {
  return text !== '' && text === text.trim() && !/[\p{Cc}\p{Cs}/\\]/u.test(text) && Array.from(text).length <= 128;
}

/** Creates an id in the app's format: 32 lower-case hex digits. */
export function createThreadId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Returns `undefined` for a malformed escape: users can type addresses. */
function decodeThreadId(encoded: string): string | undefined {
  try {
    const threadId = decodeURIComponent(encoded);
    return isThreadId(threadId) ? threadId : undefined;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
