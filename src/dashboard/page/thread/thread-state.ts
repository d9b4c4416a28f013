import type { TelemetryEvent } from '../api/telemetry-event.js';
import type { Run, RunPart } from './run.js';
import type { ThreadNews } from './thread-news.js';

/** An event as the timeline shows it. */
export interface TimelineEvent {
  readonly sequence: number;
  /** Its run, as an index of {@link ThreadState.runs}. */
  readonly runIndex: number;
  readonly type: TelemetryEvent['event_type'];
  /** Of an update: `text`, `reasoning`, `tool_call` or `tool_result`. */
  readonly kind?: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Of an update or an answer; of a failure, its message. */
  readonly text: string;
}

/** What the page knows of a thread. */
export interface ThreadState {
  /** The record that was read; `undefined` before the first event. */
  readonly epoch: string | undefined;
  /** Of the newest event. */
  readonly lastSequence: number;
  /** Oldest first. */
  readonly events: readonly TimelineEvent[];
  readonly runs: readonly Run[];
  readonly runIndexes: ReadonlyMap<string, number>;
}

export const EMPTY_THREAD: ThreadState = {
  epoch: undefined,
  lastSequence: 0,
  events: [],
  runs: [],
  runIndexes: new Map(),
};

/**
 * Adds news to what is known, without changing it; an event that is known already changes nothing. Takes many at a
 * time, as each call copies the lists.
 */
export function applyNews(state: ThreadState, news: readonly ThreadNews[]): ThreadState {
  let draft: Draft | undefined;
  for (const item of news) {
    if (item.type === 'reset') {
      draft = new Draft(EMPTY_THREAD);
      continue;
    }
    draft ??= new Draft(state);
    if (draft.epoch !== undefined && item.epoch !== undefined && item.epoch !== draft.epoch) {
      draft = new Draft(EMPTY_THREAD);
    }
    draft.add(item);
  }
  return draft === undefined ? state : draft.toState(state);
}

type EventNews = Extract<ThreadNews, { readonly type: 'event' }>;
type RunDraft = { -readonly [Field in keyof Run]: Run[Field] } & { parts: RunPart[] };

class Draft {
  epoch: string | undefined;
  readonly #events: TimelineEvent[];
  readonly #runs: Run[];
  readonly #runIndexes: Map<string, number>;
  /** Runs that are copies already. */
  readonly #ownRuns = new Map<number, RunDraft>();
  readonly #base: ThreadState;
  #lastSequence: number;

  constructor(base: ThreadState) {
    this.#base = base;
    this.epoch = base.epoch;
    this.#lastSequence = base.lastSequence;
    this.#events = [...base.events];
    this.#runs = [...base.runs];
    this.#runIndexes = new Map(base.runIndexes);
  }

  add({ epoch, event, receivedAtMs }: EventNews): void {
    if (event.sequence <= this.#lastSequence) return;
    this.epoch ??= epoch;
    this.#lastSequence = event.sequence;
    const atMs = Date.parse(event.timestamp);
    const runIndex = this.#runIndexOf(event, atMs, receivedAtMs);
    addToRun(this.#ownRun(runIndex), event, atMs);
    const { sequence, event_type: type } = event;
    const kind = event.event_type === 'stream' ? { kind: event.update_kind } : undefined;
    this.#events.push({ sequence, runIndex, type, ...kind, atMs, text: textOf(event) });
  }

  toState(before: ThreadState): ThreadState {
    if (this.#base === before && this.#lastSequence === before.lastSequence) return before;
    return {
      epoch: this.epoch,
      lastSequence: this.#lastSequence,
      events: this.#events,
      runs: this.#runs,
      runIndexes: this.#runIndexes,
    };
  }

  #runIndexOf(event: TelemetryEvent, atMs: number, receivedAtMs: number): number {
    const known = this.#runIndexes.get(event.correlation_id);
    if (known !== undefined) return known;
    const index = this.#runs.length;
    const startedAtMs = Date.parse(event.run_started_at ?? '');
    this.#runs.push({
      correlationId: event.correlation_id,
      number: index + 1,
      requestMessage: event.request_message,
      parts: [],
      outcome: { status: 'streaming' },
      wasRepeated: false,
      startedAtMs: Number.isNaN(startedAtMs) ? atMs : startedAtMs,
      isStartKnown: !Number.isNaN(startedAtMs),
      firstEventAtMs: atMs,
      lastEventAtMs: atMs,
      firstReceivedAtMs: receivedAtMs,
      updateCount: 0,
    });
    this.#runIndexes.set(event.correlation_id, index);
    return index;
  }

  #ownRun(index: number): RunDraft {
    const own = this.#ownRuns.get(index);
    if (own !== undefined) return own;
    const run = this.#runs[index];
    if (run === undefined) throw new RangeError(`There is no run ${index}`);
    const copy: RunDraft = { ...run, parts: [...run.parts] };
    this.#runs[index] = copy;
    this.#ownRuns.set(index, copy);
    return copy;
  }
}

function addToRun(run: RunDraft, event: TelemetryEvent, atMs: number): void {
  run.lastEventAtMs = atMs;
  switch (event.event_type) {
    case 'stream': {
      // The app was cut off behind the end of this run, before it could keep it: the run was given out again.
      if (run.outcome.status !== 'streaming') {
        Object.assign(run, { parts: [], outcome: { status: 'streaming' }, wasRepeated: true });
      }
      run.updateCount += 1;
      const last = run.parts.at(-1);
      if (last?.kind === event.update_kind) {
        run.parts[run.parts.length - 1] = { kind: last.kind, text: last.text + event.text };
      } else {
        run.parts.push({ kind: event.update_kind, text: event.text });
      }
      return;
    }
    case 'final':
      run.outcome = { status: 'answered', usage: event.usage, isCut: event.finish_reason === 'length' };
      if (answerOf(run) !== event.response_text) {
        // Updates of an attempt that was cut off stand before those of the one that was finished.
        run.wasRepeated ||= run.updateCount > 0;
        run.parts = [{ kind: 'text', text: event.response_text }];
      }
      return;
    case 'failed':
      run.outcome = { status: 'failed', code: event.error_code, message: event.error_message };
      return;
  }
}

/** The text of the answer, without reasoning and tools. */
export function answerOf({ parts }: Pick<Run, 'parts'>): string {
  return parts.map(({ kind, text }) => (kind === 'text' ? text : '')).join('');
}

function textOf(event: TelemetryEvent): string {
  switch (event.event_type) {
    case 'stream':
      return event.text;
    case 'final':
      return event.response_text;
    case 'failed':
      return event.error_message;
  }
}
