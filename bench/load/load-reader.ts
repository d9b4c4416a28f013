import { EventSourceParserStream } from 'eventsource-parser/stream';

/** The events that a reader of one run received, and their latencies. */
export interface ReaderReport {
  /** Sequences in the order in which they arrived. */
  readonly sequences: readonly number[];
  /** The joined texts. */
  readonly text: string;
  /** The run's last event: `final`, or the `error_code` of a failed run. Undefined if the stream ended before it. */
  readonly end: string | undefined;
  /** Time from each event's timestamp, in whole milliseconds, to its arrival. */
  readonly latenciesMs: readonly number[];
  readonly cutCount: number;
}

interface ReadEvent {
  readonly event_type: string;
  readonly timestamp: string;
  readonly sequence: number;
  readonly text?: string;
  readonly error_code?: string;
}

const MAX_CONNECTIONS = 20;

/**
 * Follows a thread to the end of its first run, and reconnects after a cut.
 *
 * @param streamUrl - URL of the thread's event stream
 * @param cutAfter - drops the connection once, after this many events. Undefined: never
 */
export async function readRun(streamUrl: string, cutAfter: number | undefined): Promise<ReaderReport> {
  const sequences: number[] = [];
  const latenciesMs: number[] = [];
  let text = '';
  let end: string | undefined;
  let lastEventId: string | undefined;
  let cutCount = 0;
  for (let connection = 0; connection < MAX_CONNECTIONS && end === undefined; connection += 1) {
    const connected = new AbortController();
    const response = await fetch(streamUrl, {
      headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
      signal: connected.signal,
    });
    if (response.status !== 200 || response.body === null) throw new Error(`A stream was answered ${response.status}.`);
    const frames = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const { id, event, data } of frames) {
      lastEventId = id ?? lastEventId;
      if (event !== 'stream' && event !== 'final' && event !== 'failed') continue;
      const read = JSON.parse(data) as ReadEvent;
      latenciesMs.push(performance.timeOrigin + performance.now() - Date.parse(read.timestamp));
      sequences.push(read.sequence);
      text += read.text ?? '';
      if (event !== 'stream') end = event === 'final' ? 'final' : (read.error_code ?? 'failed');
      if (end !== undefined || (cutCount === 0 && sequences.length === cutAfter)) break;
    }
    connected.abort();
    if (end === undefined) cutCount += 1;
  }
  return { sequences, text, end, latenciesMs, cutCount };
}
