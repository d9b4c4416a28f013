import { HttpError } from '../../functions/http-error.js';
import { type EventThread, threadKey } from '../domain/event-thread.js';

/** A reader that had events within this time is not asked to leave. */
const BUSY_MS = 1000;

export interface ReaderLimits {
  /** How many readers may be connected to this process, … */
  readonly maxOpen: number;
  /** … and how many of them to one thread. */
  readonly maxOpenPerThread: number;
}

export interface SlotOptions {
  /** The reader leaves by then: milliseconds from now. */
  readonly maxDurationMs: number;
  /** Makes the reader leave. Undefined: it does not give way to others. */
  readonly giveWay?: () => void;
}

/** The place of one reader. */
export interface ReaderSlot {
  /** Notes that the reader got events. */
  readonly touch: () => void;
  /** Frees the place. Calling it again has no effect. */
  readonly close: () => void;
}

interface OpenSlot {
  readonly key: string;
  readonly endsAt: number;
  readonly giveWay: (() => void) | undefined;
  idleSince: number;
  hasEvents: boolean;
}

/** Limits how many readers of one kind are connected. The host does not report all disconnects, so some may be gone. */
export class ReaderSlots {
  readonly #limits: ReaderLimits;
  /** What the readers are, in the plural. */
  readonly #kind: string;
  readonly #slots = new Set<OpenSlot>();
  readonly #countPerThread = new Map<string, number>();

  constructor(kind: string, limits: ReaderLimits) {
    this.#kind = kind;
    this.#limits = limits;
  }

  /**
   * Takes a place for a reader. If there is none, the reader that has been idle for longest gives way.
   *
   * @throws HttpError 503 with `Retry-After` when no reader gives way
   */
  open(thread: EventThread, { maxDurationMs, giveWay }: SlotOptions): ReaderSlot {
    const { maxOpen, maxOpenPerThread } = this.#limits;
    const key = threadKey(thread);
    if ((this.#countPerThread.get(key) ?? 0) >= maxOpenPerThread) {
      const ofThread = [...this.#slots].filter((slot) => slot.key === key);
      this.#makeRoom(ofThread, `${maxOpenPerThread} of one thread`);
    }
    if (this.#slots.size >= maxOpen) {
      this.#makeRoom([...this.#slots], `${maxOpen} in this process`);
    }
    const now = performance.now();
    const slot = { key, endsAt: now + maxDurationMs, giveWay, idleSince: now, hasEvents: false };
    this.#slots.add(slot);
    this.#countPerThread.set(key, (this.#countPerThread.get(key) ?? 0) + 1);
    return {
      touch: () => Object.assign(slot, { idleSince: performance.now(), hasEvents: true }),
      close: () => this.#close(slot),
    };
  }

  #makeRoom(slots: readonly OpenSlot[], limit: string): void {
    const now = performance.now();
    const idle = slots
      .filter(({ giveWay, hasEvents, idleSince }) => giveWay && !(hasEvents && now - idleSince < BUSY_MS))
      .toSorted((one, other) => one.idleSince - other.idleSince)[0];
    if (idle !== undefined) {
      idle.giveWay?.();
      this.#close(idle);
      return;
    }
    const nextRoomMs = Math.min(
      ...slots.map(({ endsAt, giveWay, idleSince }) =>
        giveWay ? Math.min(endsAt, idleSince + BUSY_MS) - now : endsAt - now,
      ),
    );
    throw new HttpError(503, `Too many open ${this.#kind}: at most ${limit}.`, {
      retryAfterSeconds: Math.max(1, Math.ceil(nextRoomMs / 1000)),
    });
  }

  #close(slot: OpenSlot): void {
    if (!this.#slots.delete(slot)) return;
    const others = (this.#countPerThread.get(slot.key) ?? 1) - 1;
    if (others === 0) this.#countPerThread.delete(slot.key);
    else this.#countPerThread.set(slot.key, others);
  }
}
