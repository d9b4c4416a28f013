import type { ThreadAddress } from './api/thread-source.js';

/** What the page shows, according to the part of the address after `#`. */
export type Route =
  | { readonly view: 'home' }
  | { readonly view: 'new' }
  | ({ readonly view: 'thread' } & ThreadAddress);

/** Parses the part after `#`. Anything unknown is the home view. */
export function parseRoute(hash: string): Route {
  if (hash === NEW_THREAD_HREF) return { view: 'new' };
  const [, agentName, threadId] = /^#\/([A-Za-z][\w-]{0,63})\/([^/]+)$/.exec(hash) ?? [];
  if (agentName === undefined || threadId === undefined) return { view: 'home' };
  const decoded = decodeThreadId(threadId);
  return decoded === undefined ? { view: 'home' } : { view: 'thread', agentName, threadId: decoded };
}

export const HOME_HREF = '#/';
export const NEW_THREAD_HREF = '#/new';

export function threadHref({ agentName, threadId }: ThreadAddress): string {
  return `#/${agentName}/${encodeURIComponent(threadId)}`;
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
