/** Waits up to `timeoutMs`. @returns whether all promises have settled */
export async function endWithin(running: Iterable<Promise<unknown>>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  const haveEnded = await Promise.race([Promise.allSettled(running).then(() => true), timeout]);
  clearTimeout(timer);
  return haveEnded;
}
