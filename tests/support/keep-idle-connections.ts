/**
 * A server's `keepAliveTimeout` that ends no idle connection: a client that uses one at the moment when it is ended sees a
 * fault that no test asked for.
 */
export const KEEP_IDLE_CONNECTIONS = 0;
