import { setTimeout as wait } from 'node:timers/promises';
import type { z } from 'zod';
import { LaunchError } from '../launch-error.js';
import { readEventStream } from './read-event-stream.js';
import { ReadingPlace } from './reading-place.js';
import { errorOfAnswer, reasonOf, StreamError } from './stream-error.js';
import { receivedEvent, supersededAttempt } from './telemetry-event.js';
import { streamUrlOf, type ThreadAddress } from './thread-address.js';
import type { ThreadNews } from './thread-news.js';

const firstRetryMs = 1000;
const longestRetryMs = 10_000;
/** A stream that is silent for so long is dead: the app sends a heartbeat every 15 seconds. */
const silenceMs = 40_000;

export interface FollowOptions {
  readonly address: ThreadAddress;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** How requests are made. Default: the global one. */
  readonly fetch?: typeof fetch;
  /** The first pause before another attempt, unless the app says how long it shall be. */
  readonly retryMs?: number;
  /** After how long without a byte a stream counts as dead. */
  readonly silenceMs?: number;
}

/**
 * Follows a thread from its oldest kept event until the signal is aborted. When the stream ends or breaks it goes on
 * behind the last event that arrived whole, so that none is told twice and none is left out; but for those of a run's
 * superseded attempts, which are void when they were told, and otherwise not told.
 *
 * @throws LaunchError when the app refuses, or when nothing answers at the first attempt
 */
export async function* followThread(options: FollowOptions): AsyncGenerator<ThreadNews> {
  const { signal } = options;
  const place = new ReadingPlace(options.retryMs ?? firstRetryMs);
  let failures = 0;
  let isFirst = true;
  let isLost = false;
  while (!signal.aborted) {
    const startedAtMs = performance.now();
    try {
      for await (const news of readOnce(options, place)) {
        failures = 0;
        if (news.type !== 'connected' || isFirst || isLost) yield news;
        isFirst = false;
        isLost = false;
        if (signal.aborted) return;
      }
      // The app ends each stream sooner or later; one that ended at once would be asked for without end.
      const lastedMs = performance.now() - startedAtMs;
      const pauseMs = place.hasMoved() ? 0 : Math.min(longestRetryMs, place.retryMs) - lastedMs;
      await pause(pauseMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof StreamError)) throw error;
      if (isFirst && error.cause !== undefined) throw notReachable(options.address, error);
      if (!isLost) yield { type: 'lost', reason: error.message };
      isLost = true;
      isFirst = false;
      const backoffMs = Math.min(longestRetryMs, place.retryMs * 1.6 ** failures);
      failures += 1;
      await pause(Math.max(backoffMs, error.retryAfterMs), signal);
    }
  }
}

async function* readOnce(options: FollowOptions, place: ReadingPlace): AsyncGenerator<ThreadNews> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), options.silenceMs ?? silenceMs);
  try {
    const response = await open(options, place, AbortSignal.any([options.signal, silence.signal]));
    yield { type: 'connected' };
    const requestMessages = new Map<string, string>();
    const listener = { onHeard: () => timer.refresh(), onRetry: (retryMs: number) => void (place.retryMs = retryMs) };
    for await (const { id, event: type, data } of readEventStream(response, listener)) {
      if (type === 'superseded') {
        // Not a place in the record: its reader stands where it stood.
        yield* place.supersede(parseData(supersededAttempt, data));
        continue;
      }
      if (type === 'reset') yield* place.reset();
      else if (type === 'stream' || type === 'final' || type === 'failed') {
        const event = parseData(receivedEvent, data);
        const requestMessage = event.request_message ?? requestMessages.get(event.correlation_id) ?? '';
        requestMessages.set(event.correlation_id, requestMessage);
        yield* place.take({ ...event, request_message: requestMessage });
      }
      if (id !== undefined) place.lastEventId = id;
    }
  } catch (error) {
    if (error instanceof StreamError || error instanceof LaunchError) throw error;
    const reason = silence.signal.aborted ? 'the app went silent' : reasonOf(error);
    throw new StreamError(`${reason[0]?.toUpperCase()}${reason.slice(1)}.`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function open(options: FollowOptions, place: ReadingPlace, signal: AbortSignal): Promise<Response> {
  const { address } = options;
  const response = await (options.fetch ?? fetch)(streamUrlOf(address), {
    headers: {
      accept: 'text/event-stream',
      ...(address.key !== undefined && { 'x-functions-key': address.key }),
      ...(place.lastEventId !== undefined && { 'last-event-id': place.lastEventId }),
    },
    // Another address must not get the key.
    redirect: 'manual',
    signal,
  });
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  if (response.status === 200 && isStream) return response;
  throw await errorOfAnswer(response, address);
}

function parseData<Schema extends z.ZodType>(schema: Schema, data: string): z.output<Schema> {
  let content: unknown;
  try {
    content = JSON.parse(data);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw notUnderstood(error);
  }
  const parsed = schema.safeParse(content);
  if (!parsed.success) throw notUnderstood(parsed.error);
  return parsed.data;
}

function notUnderstood(cause: Error): LaunchError {
  return new LaunchError('The app sent an event that this program does not understand: is it of another version?', {
    cause,
  });
}

function notReachable({ base }: ThreadAddress, error: StreamError): LaunchError {
  return new LaunchError(
    `${base} cannot be reached. ${error.message}\nnpm start starts the app here; --base URL watches it elsewhere.`,
    { cause: error },
  );
}

/** Returns early when the signal is aborted. */
async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  if (durationMs <= 0 || signal.aborted) return;
  try {
    await wait(durationMs, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
