import { attemptOf, type TelemetryEvent } from '../../../src/dashboard/page/api/telemetry-event.js';
import type { EventPage, ThreadAddress, ThreadSource } from '../../../src/dashboard/page/api/thread-source.js';
import { winningEvents } from './telemetry-events.js';

export interface CuttingApiOptions {
  /** The first stream breaks after this many bytes. */
  readonly cutAt?: number;
  /** Size of the chunks that streams arrive in. @default one chunk */
  readonly pieceBytes?: number;
  /** Errors with which the first requests fail. */
  readonly failures?: readonly Error[];
}

/**
 * Serves a thread like the app. The first poll is empty, so that the events arrive on the stream. The first stream
 * sends all attempts, including interrupted ones. Later reads return only the latest attempts.
 */
export class CuttingApi implements ThreadSource {
  readonly #failures: Error[];
  #events: readonly TelemetryEvent[];
  #epoch = 'e1';
  readonly #pieceBytes: number;
  #cutAt: number | undefined;
  #hasPolled = false;
  #isMade = false;

  constructor(
    events: readonly TelemetryEvent[],
    { cutAt, pieceBytes = Infinity, failures = [] }: CuttingApiOptions = {},
  ) {
    this.#events = events;
    this.#cutAt = cutAt;
    this.#pieceBytes = pieceBytes;
    this.#failures = [...failures];
  }

  /** Replaces the stored events, as after a restart. */
  restart(epoch: string, events: readonly TelemetryEvent[]): void {
    this.#epoch = epoch;
    this.#events = events;
  }

  async *readEvents(_thread: ThreadAddress, after: string | undefined): AsyncGenerator<EventPage> {
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure;
    if (!this.#hasPolled) {
      this.#hasPolled = true;
      yield { events: [], cursor: `${this.#epoch}-0`, isReset: false };
      return;
    }
    const { isReset, rest } = this.#after(after ?? '0');
    // One event at a time, so that the stream always has more.
    const events = rest.slice(0, 1);
    const cursor = events.at(-1)?.sequence ?? after?.split('-').at(-1) ?? 0;
    yield { events, cursor: `${this.#epoch}-${cursor}`, isReset };
  }

  openStream(_thread: ThreadAddress, after: string): Promise<Response> {
    const bytes = new TextEncoder().encode(this.frames(after));
    this.#isMade = true;
    const cutAt = this.#cutAt;
    this.#cutAt = undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const sent = bytes.slice(0, cutAt);
        for (let start = 0; start < sent.length; start += this.#pieceBytes) {
          controller.enqueue(sent.slice(start, start + this.#pieceBytes));
        }
        if (cutAt === undefined) controller.close();
      },
      // The reader gets what was sent before the connection breaks.
      pull: (controller) => controller.error(new TypeError('The connection was cut')),
    });
    return Promise.resolve(new Response(body));
  }

  frames(after = '0'): string {
    const { isReset, rest } = this.#after(after);
    const frames = rest.map((event) => {
      const id = `${this.#epoch}-${event.sequence}`;
      return this.#supersededFrame(event) + `id: ${id}\nevent: ${event.event_type}\ndata: ${JSON.stringify(event)}\n\n`;
    });
    const reset = `id: ${this.#epoch}-0\nevent: reset\ndata: {"oldest_sequence":1}\n\n`;
    return ['retry: 1000\n\n', ...(isReset ? [reset] : []), ': still here\n\n', ...frames].join('');
  }

  /** Precedes the first event of every later attempt, even if the reader saw no event of the earlier one. */
  #supersededFrame(event: TelemetryEvent): string {
    const attempt = attemptOf(event);
    const first = this.#events.find(
      (other) => other.correlation_id === event.correlation_id && attemptOf(other) === attempt,
    );
    if (attempt === 1 || first !== event) return '';
    const data = { correlation_id: event.correlation_id, attempt: attempt - 1 };
    return `event: superseded\ndata: ${JSON.stringify(data)}\n\n`;
  }

  #after(cursor: string): { readonly isReset: boolean; readonly rest: readonly TelemetryEvent[] } {
    const [sequence, epoch] = cursor.split('-').toReversed();
    const isReset = epoch !== undefined && epoch !== this.#epoch;
    const events = this.#isMade ? winningEvents(this.#events) : this.#events;
    return { isReset, rest: isReset ? events : events.filter((event) => event.sequence > Number(sequence)) };
  }
}
