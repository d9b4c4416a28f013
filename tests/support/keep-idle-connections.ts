/**
 * A `keepAliveTimeout` that never ends idle connections. Otherwise a client that reuses a connection just as it ends would
 * see an unintended fault.
 */
export const KEEP_IDLE_CONNECTIONS = 0;
