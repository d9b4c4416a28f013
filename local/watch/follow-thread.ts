import { setTimeout as wait } from 'node:timers/promises';
import type { z } from 'zod';
import { LaunchError } from '../launch-error.js';
import { readEventStream } from './read-event-stream.js';
import { ReadPosition } from './read-position.js';
import { errorOfAnswer, reasonOf, StreamError } from './stream-error.js';
import { receivedEvent, supersededAttempt } from './telemetry-event.js';
import { streamUrlOf, type ThreadAddress } from './thread-address.js';
import type { WatchEvent } from './watch-event.js';

const firstRetryMs = 1000;
const longestRetryMs = 10_000;
/** A stream that is silent for this long is dead: the app sends a heartbeat every 15 seconds. */
const silenceMs = 40_000;

export interface FollowOptions {
  readonly address: ThreadAddress;
  /** Stops following. */
  readonly signal: AbortSignal;
  /** @default the global `fetch` */
  readonly fetch?: typeof fetch;
  /** First pause before reconnecting, unless the app sends one. */
  readonly retryMs?: number;
  /** A stream without a byte for this long counts as dead. */
  readonly silenceMs?: number;
}

/**
 * Follows a thread from its oldest stored event until the signal is aborted. When the stream ends or breaks, resumes after
 * the last complete event, so that none is missing or repeated. Events of superseded attempts are revoked if they were
 * already yielded, and skipped otherwise.
 *
 * @throws LaunchError if the app rejects the request, or if there is no response on the first attempt
 */
export async function* followThread(options: FollowOptions): AsyncGenerator<WatchEvent> {
  const { signal } = options;
  const position = new ReadPosition(options.retryMs ?? firstRetryMs);
  let failures = 0;
  let isFirst = true;
  let isLost = false;
  while (!signal.aborted) {
    const startedAtMs = performance.now();
    try {
      for await (const watchEvent of readOnce(options, position)) {
        failures = 0;
        if (watchEvent.type !== 'connected' || isFirst || isLost) yield watchEvent;
        isFirst = false;
        isLost = false;
        if (signal.aborted) return;
      }
      // The app ends every stream after a while. Pause after one that ended immediately, to avoid a busy loop.
      const lastedMs = performance.now() - startedAtMs;
      const pauseMs = position.hasMoved() ? 0 : Math.min(longestRetryMs, position.retryMs) - lastedMs;
      await pause(pauseMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof StreamError)) throw error;
      if (isFirst && error.cause !== undefined) throw notReachable(options.address, error);
      if (!isLost) yield { type: 'lost', reason: error.message };
      isLost = true;
      isFirst = false;
      const backoffMs = Math.min(longestRetryMs, position.retryMs * 1.6 ** failures);
      failures += 1;
      await pause(Math.max(backoffMs, error.retryAfterMs), signal);
    }
  }
}

async function* readOnce(options: FollowOptions, position: ReadPosition): AsyncGenerator<WatchEvent> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), options.silenceMs ?? silenceMs);
  try {
    const response = await open(options, position, AbortSignal.any([options.signal, silence.signal]));
    yield { type: 'connected' };
    const requestMessages = new Map<string, string>();
    const listener = {
      onHeard: () => timer.refresh(),
      onRetry: (retryMs: number) => void (position.retryMs = retryMs),
    };
    for await (const { id, event: type, data } of readEventStream(response, listener)) {
      if (type === 'superseded') {
        // Not an event: does not move the position.
        yield* position.supersede(parseData(supersededAttempt, data));
        continue;
      }
      if (type === 'reset') yield* position.reset();
      else if (type === 'stream' || type === 'approval' || type === 'final' || type === 'failed') {
        const event = parseData(receivedEvent, data);
        const requestMessage = event.request_message ?? requestMessages.get(event.correlation_id) ?? '';
        requestMessages.set(event.correlation_id, requestMessage);
        yield* position.take({ ...event, request_message: requestMessage });
      }
      if (id !== undefined) position.lastEventId = id;
    }
  } catch (error) {
    if (error instanceof StreamError || error instanceof LaunchError) throw error;
    const reason = silence.signal.aborted ? 'the app stopped sending data' : reasonOf(error);
    throw new StreamError(`${reason[0]?.toUpperCase()}${reason.slice(1)}.`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function open(options: FollowOptions, position: ReadPosition, signal: AbortSignal): Promise<Response> {
  const { address } = options;
  const response = await (options.fetch ?? fetch)(streamUrlOf(address), {
    headers: {
      accept: 'text/event-stream',
      ...(address.key !== undefined && { 'x-functions-key': address.key }),
      ...(position.lastEventId !== undefined && { 'last-event-id': position.lastEventId }),
    },
    // The key must not be sent to another address.
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
  return new LaunchError(
    'The app sent an event that this program does not understand. It may be a different version.',
    {
      cause,
    },
  );
}

function notReachable({ base }: ThreadAddress, error: StreamError): LaunchError {
  return new LaunchError(
    `${base} cannot be reached. ${error.message}\nnpm start starts the app on this machine; --base URL connects to another address.`,
    { cause: error },
  );
}

/** Returns early if the signal is aborted. */
async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  if (durationMs <= 0 || signal.aborted) return;
  try {
    await wait(durationMs, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
