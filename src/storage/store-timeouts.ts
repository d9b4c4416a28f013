/*
 * The time limits that all services share, in milliseconds. Limits of a single SDK are next to their use.
 */

/** One request to a service, retries included. Callers of HTTP endpoints wait for it, and a recorder tries again. */
export const CALL_TIMEOUT_MS = 3000;

/** One page of a query. It takes longer than a call, because it may read many rows. */
export const PAGE_TIMEOUT_MS = 5000;

/** One transaction of deletes. No caller waits for its result, so it may take longer than a call. */
export const REMOVAL_TIMEOUT_MS = 10_000;
