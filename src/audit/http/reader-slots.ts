import { HttpError } from '../../functions/http-error.js';
import { type EventThread, threadKey } from '../domain/event-thread.js';

/** A reader that received events within this time is not evicted. */
const BUSY_MS = 1000;

export interface ReaderLimits {
  /** Maximum number of connected readers in this process. */
  readonly maxOpen: number;
  /** Maximum number of connected readers of one thread. */
  readonly maxOpenPerThread: number;
}

export interface SlotOptions {
  /** The reader disconnects within this time. */
  readonly maxDurationMs: number;
  /** Disconnects the reader to make room. If undefined, the reader cannot be evicted. */
  readonly evict?: () => void;
}

/** The slot of one connected reader. */
export interface ReaderSlot {
  /** Records that the reader received events. */
  readonly touch: () => void;
  /** Frees the slot. Calling it again has no effect. */
  readonly close: () => void;
}

interface OpenSlot {
  readonly key: string;
  readonly endsAt: number;
  readonly evict: (() => void) | undefined;
  idleSince: number;
  hasEvents: boolean;
}

/** Limits the connected readers of one kind. Some may be gone already, because the host does not report all disconnects. */
export class ReaderSlots {
  readonly #limits: ReaderLimits;
  /** Plural name of the readers, for errors. */
  readonly #kind: string;
  readonly #slots = new Set<OpenSlot>();
  readonly #countPerThread = new Map<string, number>();

  constructor(kind: string, limits: ReaderLimits) {
    this.#kind = kind;
    this.#limits = limits;
  }

  /**
   * Takes a slot for a reader. If none is free, evicts the reader that has been idle longest.
   *
   * @throws HttpError 503 with `Retry-After` if no reader can be evicted
   */
  open(thread: EventThread, { maxDurationMs, evict }: SlotOptions): ReaderSlot {
    const { maxOpen, maxOpenPerThread } = this.#limits;
    const key = threadKey(thread);
    if ((this.#countPerThread.get(key) ?? 0) >= maxOpenPerThread) {
      const ofThread = [...this.#slots].filter((slot) => slot.key === key);
      this.#makeRoom(ofThread, `${maxOpenPerThread} per thread`);
    }
    if (this.#slots.size >= maxOpen) {
      this.#makeRoom([...this.#slots], `${maxOpen} per process`);
    }
    const now = performance.now();
    const slot = { key, endsAt: now + maxDurationMs, evict, idleSince: now, hasEvents: false };
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
      .filter(({ evict, hasEvents, idleSince }) => evict && !(hasEvents && now - idleSince < BUSY_MS))
      .toSorted((one, other) => one.idleSince - other.idleSince)[0];
    if (idle !== undefined) {
      idle.evict?.();
      this.#close(idle);
      return;
    }
    const nextRoomMs = Math.min(
      ...slots.map(({ endsAt, evict, idleSince }) =>
        evict ? Math.min(endsAt, idleSince + BUSY_MS) - now : endsAt - now,
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
