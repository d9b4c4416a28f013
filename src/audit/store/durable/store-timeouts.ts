/*
 * The time limits of durable stores, in milliseconds.
 */

/** One change of a thread, including retries after conflicts. It then fails: other processes keep winning. */
export const CHANGE_TIMEOUT_MS = 5000;

/** How long a clear waits for the removal of what it cleared, which continues in the background. */
export const CLEAR_REMOVAL_WAIT_MS = 2000;

/** Pause before a follower opens a service again that could not be opened. */
export const REOPEN_PAUSE_MS = 500;

/** Minimum time between two removals of expired events of one thread. Retention is measured in days. */
export const EXPIRY_INTERVAL_MS = 3_600_000;

/** One run of the daily purge. It is well below the shortest `functionTimeout` of any hosting plan, 5 minutes. */
export const PURGE_TIMEOUT_MS = 120_000;

export const MS_PER_DAY = 86_400_000;
