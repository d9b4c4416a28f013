/**
 * A `keepAliveTimeout` that never closes idle connections. Otherwise a client that reuses a connection just as it
 * closes would see an unintended fault.
 */
export const KEEP_IDLE_CONNECTIONS = 0;
