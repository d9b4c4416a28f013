import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { describeFailure } from '../api/api-error.js';
import type { TelemetryApi } from '../api/telemetry-api.js';
import type { ThreadAddress } from '../api/thread-source.js';
import { type Connection, ThreadFollower } from '../thread/thread-follower.js';
import type { ThreadChange } from '../thread/thread-change.js';
import { applyChanges, EMPTY_THREAD, type ThreadState } from '../thread/thread-state.js';
import { Batcher } from './batcher.js';

/** A message sent from this page whose run has no events yet. */
export interface PendingMessage {
  readonly id: number;
  readonly message: string;
  /** Milliseconds on the page's clock. */
  readonly sentAtMs: number;
  /** Set when the app accepts the message. */
  readonly correlationId?: string;
}

export interface ThreadSession {
  readonly state: ThreadState;
  readonly connection: Connection;
  readonly pending: readonly PendingMessage[];
  /** When this page sent each message, by correlation id: milliseconds on the page's clock. */
  readonly sentAtMs: ReadonlyMap<string, number>;
  /** @returns what went wrong, for the user; `undefined` if the app accepted the message */
  readonly send: (message: string) => Promise<string | undefined>;
  /** Asks the app to end a run. Returns as `send` does. */
  readonly cancel: (correlationId: string) => Promise<string | undefined>;
  readonly retryNow: () => void;
}

/** Follows a thread while it is shown. Pass `isFollowed: false` for a thread that does not exist yet. */
export function useThread(api: TelemetryApi, thread: ThreadAddress, isFollowed: boolean): ThreadSession {
  const { agentName, threadId } = thread;
  const [state, setState] = useState(EMPTY_THREAD);
  const [connection, setConnection] = useState<Connection>({ state: 'connecting' });
  const [pending, setPending] = useState<readonly PendingMessage[]>([]);
  const [sentAtMs, setSentAtMs] = useState<ReadonlyMap<string, number>>(new Map());
  const follower = useRef<ThreadFollower | undefined>(undefined);
  const lastId = useRef(0);

  const addChanges = useCallback(
    (changes: readonly ThreadChange[]) => setState((known) => applyChanges(known, changes)),
    [],
  );
  // Not an ordinary effect, because those wait for the first paint.
  useLayoutEffect(() => {
    if (!isFollowed) return undefined;
    const batcher = new Batcher(addChanges);
    const current = new ThreadFollower({
      api,
      thread: { agentName, threadId },
      onChanges: (changes) => batcher.add(changes),
      onConnection: setConnection,
    });
    follower.current = current;
    const retry = (): void => current.retryNow();
    addEventListener('online', retry);
    void current.run();
    return () => {
      removeEventListener('online', retry);
      current.stop();
      batcher.stop();
      follower.current = undefined;
    };
  }, [api, agentName, threadId, isFollowed]);

  const send = useCallback(
    async (message: string) => {
      lastId.current += 1;
      const entry: PendingMessage = { id: lastId.current, message, sentAtMs: performance.now() };
      setPending((list) => [...list, entry]);
      try {
        const { correlation_id: correlationId } = await api.sendMessage({ agentName, threadId }, message);
        setSentAtMs((known) => new Map(known).set(correlationId, entry.sentAtMs));
        setPending((list) => list.map((item) => (item.id === entry.id ? { ...item, correlationId } : item)));
        return undefined;
      } catch (error) {
        setPending((list) => list.filter(({ id }) => id !== entry.id));
        return describeFailure(error);
      }
    },
    [api, agentName, threadId],
  );

  const cancel = useCallback(
    async (correlationId: string) => {
      try {
        await api.cancelRun({ agentName, threadId }, correlationId);
        return undefined;
      } catch (error) {
        return describeFailure(error);
      }
    },
    [api, agentName, threadId],
  );

  const stillPending = pending.filter(
    ({ correlationId }) => correlationId === undefined || !state.runIndexes.has(correlationId),
  );
  // Permanent, so that a run whose events are lost does not become pending again.
  useEffect(() => {
    if (stillPending.length < pending.length) setPending(stillPending);
  });
  return {
    state,
    connection,
    pending: stillPending,
    sentAtMs,
    send,
    cancel,
    retryNow: () => follower.current?.retryNow(),
  };
}
