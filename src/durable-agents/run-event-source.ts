import type { ThreadIdentity } from './thread/thread-identity.js';

/** A run of a thread. */
export interface RunIdentity extends ThreadIdentity {
  /** 32 lower-case hex digits. */
  readonly correlationId: string;
}

/** The events of a run, as frames of server-sent events. */
export interface RunEventStream {
  /** Returns `ended` after the last event, or `limit` when the stream had to end before the run. */
  readonly frames: AsyncGenerator<Uint8Array, 'ended' | 'limit'>;
  /** Must be called when `frames` are not read to their end. */
  readonly close: () => void;
}

export interface FollowOptions {
  /**
   * Replays the stored events of the run first, which may have begun or ended, then follows live.
   *
   * @default false
   */
  readonly fromStart?: boolean;
  /** Resumes after the event with this id instead. */
  readonly lastEventId?: string | undefined;
}

/** Lets the caller of the run endpoint follow the run that it starts. */
export interface RunEventSource {
  /** How long a stream may stay open. */
  readonly maxDurationMs: number;

  /**
   * Opens a stream before the run is started, so that none of its events is missed; with `fromStart` also later.
   *
   * @param ended aborted when the run has ended and all of its events are recorded
   * @throws HttpError 503 when too many streams are open, 400 when `lastEventId` is no id of an event
   */
  follow(run: RunIdentity, ended: AbortSignal, options?: FollowOptions): Promise<RunEventStream>;
}
