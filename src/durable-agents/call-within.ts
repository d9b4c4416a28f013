export interface CallWithinOptions {
  /** Whether a process that has nothing else to do waits for the call. Default: it does. */
  readonly isBackground?: boolean;
}

/**
 * Makes a call that ends in time, whatever the callee's own retries do.
 *
 * @param call gets a signal that is aborted when time is up
 * @throws Error when there is no answer within `timeoutMs`; what was asked for may happen all the same
 */
export async function callWithin<Result>(
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<Result>,
  { isBackground = false }: CallWithinOptions = {},
): Promise<Result> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`There was no answer within ${timeoutMs} ms.`);
      // Before the call fails in some other way, as it is aborted.
      reject(error);
      controller.abort(error);
    }, timeoutMs);
    if (isBackground) timer.unref();
  });
  try {
    return await Promise.race([call(controller.signal), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
