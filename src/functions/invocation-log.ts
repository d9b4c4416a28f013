import { AsyncLocalStorage } from 'node:async_hooks';
import type { InvocationContext } from '@azure/functions';
import type { Logger } from './logger.js';

/** The part of an invocation context that takes log lines. */
export type InvocationLogSink = Pick<InvocationContext, 'log' | 'warn' | 'error'>;

const currentInvocation = new AsyncLocalStorage<{ sink: InvocationLogSink }>();

const sink = (): InvocationLogSink => currentInvocation.getStore()?.sink ?? console;

/**
 * Logs to the Functions invocation that is running, so that each line reaches Application Insights with its
 * invocation id. Outside of an invocation (at start-up, or in work that outlives the invocation that began it) lines go
 * to the console, which the host collects as well.
 */
export const invocationLog: Logger = {
  info: (message) => sink().log(message),
  warn: (message) => sink().warn(message),
  error: (message) => sink().error(message),
};

/** Runs `work`, and everything that it awaits, with {@link invocationLog} writing to `context` until `work` has ended. */
export async function withInvocationLog<T>(context: InvocationLogSink, work: () => Promise<T>): Promise<T> {
  const invocation = { sink: context };
  try {
    return await currentInvocation.run(invocation, work);
  } finally {
    // The host warns of what is logged to an invocation that has ended.
    invocation.sink = console;
  }
}
