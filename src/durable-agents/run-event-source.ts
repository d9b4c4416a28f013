import type { ThreadIdentity } from './thread/thread-identity.js';

/** A run of a thread. */
export interface RunIdentity extends ThreadIdentity {
  /** 32 lower-case hex digits. */
  readonly correlationId: string;
}

/** The events of a run, as frames of server-sent events. */
export interface RunEventStream {
  /** Returns `ended` after the last event, or `limit` if the stream had to end before the run. */
  readonly frames: AsyncGenerator<Uint8Array, 'ended' | 'limit'>;
  /** Must be called if `frames` is not read to the end. */
  readonly close: () => void;
}

export interface FollowOptions {
  /**
   * Replays stored events first, then follows live. The run may already have started or ended.
   *
   * @default false
   */
  readonly fromStart?: boolean;
  /** Resumes after the event with this id instead. */
  readonly lastEventId?: string | undefined;
}

/** Lets the caller of the run endpoint follow the run that it starts. */
export interface RunEventSource {
  /** Maximum duration of a stream. */
  readonly maxDurationMs: number;

  /**
   * Opens a stream. Call it before the run starts to miss no event; with `fromStart`, it may also be called later.
   *
   * @param ended - aborted when the run has ended and all of its events are recorded
   * @throws HttpError 503 if too many streams are open, 400 if `lastEventId` is not the id of an event
   */
  follow(run: RunIdentity, ended: AbortSignal, options?: FollowOptions): Promise<RunEventStream>;
}
