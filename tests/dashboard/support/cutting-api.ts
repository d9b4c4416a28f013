import type { TelemetryEvent } from '../../../src/dashboard/page/api/telemetry-event.js';
import type { EventPage, ThreadAddress, ThreadSource } from '../../../src/dashboard/page/api/thread-source.js';

export interface CuttingApiOptions {
  /** After so many bytes the first stream breaks. */
  readonly cutAt?: number;
  /** Streams come in pieces of so many bytes. Default: in one. */
  readonly pieceBytes?: number;
  /** What the first requests fail with. */
  readonly failures?: readonly Error[];
}

/** Serves a thread as the app does: nothing by the poll at first, so that the events come by the stream. */
export class CuttingApi implements ThreadSource {
  readonly #failures: Error[];
  #events: readonly TelemetryEvent[];
  #epoch = 'e1';
  readonly #pieceBytes: number;
  #cutAt: number | undefined;
  #hasPolled = false;

  constructor(
    events: readonly TelemetryEvent[],
    { cutAt, pieceBytes = Infinity, failures = [] }: CuttingApiOptions = {},
  ) {
    this.#events = events;
    this.#cutAt = cutAt;
    this.#pieceBytes = pieceBytes;
    this.#failures = [...failures];
  }

  /** Loses the record. */
  restart(epoch: string, events: readonly TelemetryEvent[]): void {
    this.#epoch = epoch;
    this.#events = events;
  }

  readEvents(_thread: ThreadAddress, after: string | undefined): Promise<EventPage> {
    const failure = this.#failures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    if (!this.#hasPolled) {
      this.#hasPolled = true;
      return Promise.resolve({ events: [], cursor: `${this.#epoch}-0`, hasMore: false, isReset: false });
    }
    const { isReset, rest } = this.#behind(after ?? '0');
    // One at a time, so that there is always more for the stream.
    const events = rest.slice(0, 1);
    const cursor = events.at(-1)?.sequence ?? after?.split('-').at(-1) ?? 0;
    return Promise.resolve({ events, cursor: `${this.#epoch}-${cursor}`, hasMore: false, isReset });
  }

  openStream(_thread: ThreadAddress, after: string): Promise<Response> {
    const bytes = new TextEncoder().encode(this.frames(after));
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
      // What was sent before is read before the connection breaks.
      pull: (controller) => controller.error(new TypeError('The connection was cut')),
    });
    return Promise.resolve(new Response(body));
  }

  frames(after = '0'): string {
    const { isReset, rest } = this.#behind(after);
    const frames = rest.map(
      (event) => `id: ${this.#epoch}-${event.sequence}\nevent: ${event.event_type}\ndata: ${JSON.stringify(event)}\n\n`,
    );
    const reset = `id: ${this.#epoch}-0\nevent: reset\ndata: {"oldest_sequence":1}\n\n`;
    return ['retry: 1000\n\n', ...(isReset ? [reset] : []), ': still here\n\n', ...frames].join('');
  }

  #behind(cursor: string): { readonly isReset: boolean; readonly rest: readonly TelemetryEvent[] } {
    const [sequence, epoch] = cursor.split('-').toReversed();
    const isReset = epoch !== undefined && epoch !== this.#epoch;
    return { isReset, rest: isReset ? this.#events : this.#events.slice(Number(sequence)) };
  }
}
