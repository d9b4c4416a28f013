import { AsyncLocalStorage } from 'node:async_hooks';
import type { InvocationContext } from '@azure/functions';
import type { Logger } from './logger.js';

/** The part of an invocation context that takes log lines. */
export type InvocationLogSink = Pick<InvocationContext, 'log' | 'warn' | 'error'>;

const currentInvocation = new AsyncLocalStorage<InvocationLogSink>();

const sink = (): InvocationLogSink => currentInvocation.getStore() ?? console;

/**
 * Logs to the Functions invocation that is running, so that each line reaches Application Insights with its
 * invocation id. Outside of an invocation (at start-up) lines go to the console, which the host collects as well.
 */
export const invocationLog: Logger = {
  info: (message) => sink().log(message),
  warn: (message) => sink().warn(message),
  error: (message) => sink().error(message),
};

/** Runs `work`, and everything that it awaits, with {@link invocationLog} writing to `context`. */
export function withInvocationLog<T>(context: InvocationLogSink, work: () => T): T {
  return currentInvocation.run(context, work);
}
