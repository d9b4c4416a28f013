import { useEffect, useState } from 'preact/hooks';

/** Returns the time in milliseconds since 1970, updated at an interval. An `undefined` interval stops it. */
export function useNow(intervalMs: number | undefined): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (intervalMs === undefined) return undefined;
    const timer = setInterval(() => setNow(Date.now()), intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs]);
  return now;
}
