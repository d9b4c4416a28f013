import { attemptOf, type TelemetryEvent } from '../api/telemetry-event.js';
import { addToRun, createRun, restartRun, type RunDraft } from './run-draft.js';
import type { Run } from './run.js';
import type { ThreadChange } from './thread-change.js';
import { type TimelineEvent, toTimelineEvent } from './timeline-event.js';

/** What the page knows about a thread. */
export interface ThreadState {
  /** Epoch of the stored events; `undefined` before the first event. */
  readonly epoch: string | undefined;
  /** Sequence of the newest event. */
  readonly lastSequence: number;
  /** Oldest first. */
  readonly events: readonly TimelineEvent[];
  readonly runs: readonly Run[];
  readonly runIndexes: ReadonlyMap<string, number>;
  /** Earlier events are no longer stored. */
  readonly isBeginningLost: boolean;
}

export const EMPTY_THREAD: ThreadState = {
  epoch: undefined,
  lastSequence: 0,
  events: [],
  runs: [],
  runIndexes: new Map(),
  isBeginningLost: false,
};

/**
 * Returns the state with changes applied. A later attempt of a run replaces an earlier one. Ignores events of earlier
 * attempts and known events. Pass changes in batches, because each call copies the lists.
 */
export function applyChanges(state: ThreadState, changes: readonly ThreadChange[]): ThreadState {
  let draft: Draft | undefined;
  for (const item of changes) {
    if (item.type === 'reset') {
      draft = (draft ?? new Draft(state)).toReset();
      continue;
    }
    draft ??= new Draft(state);
    if (item.type === 'superseded') {
      draft.supersede(item.correlationId, item.attempt);
      continue;
    }
    if (draft.epoch !== undefined && item.epoch !== undefined && item.epoch !== draft.epoch) {
      draft = draft.toReset();
    }
    draft.add(item);
  }
  return draft === undefined ? state : draft.toState(state);
}

type EventChange = Extract<ThreadChange, { readonly type: 'event' }>;

class Draft {
  epoch: string | undefined;
  #events: TimelineEvent[];
  readonly #runs: Run[];
  readonly #runIndexes: Map<string, number>;
  /** Runs that this draft has copied and may modify. */
  readonly #ownRuns = new Map<number, RunDraft>();
  readonly #base: ThreadState;
  #lastSequence: number;
  #isChanged = false;

  constructor(base: ThreadState) {
    this.#base = base;
    this.epoch = base.epoch;
    this.#lastSequence = base.lastSequence;
    this.#events = [...base.events];
    this.#runs = [...base.runs];
    this.#runIndexes = new Map(base.runIndexes);
  }

  add({ epoch, event, receivedAtMs }: EventChange): void {
    if (event.sequence <= this.#lastSequence) return;
    const known = this.#runIndexes.get(event.correlation_id);
    const attempt = attemptOf(event);
    const runIndex = known ?? this.#runs.length;
    if (known === undefined) this.#addRun(event, receivedAtMs);
    else if (attempt < this.#run(known).attempt) return;
    else if (attempt > this.#run(known).attempt) this.#restart(known, attempt);
    if (this.#run(runIndex).outcome.status === 'restarting') {
      Object.assign(this.#ownRun(runIndex), createRun(event, runIndex + 1, receivedAtMs));
    }
    this.epoch ??= epoch;
    this.#lastSequence = event.sequence;
    this.#isChanged = true;
    const shown = toTimelineEvent(event, runIndex);
    addToRun(this.#ownRun(runIndex), shown);
    this.#events.push(shown);
  }

  /** Ignores unknown runs, and runs that already show a later attempt. */
  supersede(correlationId: string, attempt: number): void {
    const index = this.#runIndexes.get(correlationId);
    if (index !== undefined && attempt >= this.#run(index).attempt) this.#restart(index, attempt + 1);
  }

  /** Returns an empty draft that remembers whether there were events. */
  toReset(): Draft {
    const isBeginningLost = this.#base.isBeginningLost || this.#events.length > 0;
    return new Draft({ ...EMPTY_THREAD, isBeginningLost });
  }

  toState(before: ThreadState): ThreadState {
    if (this.#base === before && !this.#isChanged) return before;
    return {
      epoch: this.epoch,
      lastSequence: this.#lastSequence,
      events: this.#events,
      runs: this.#runs,
      runIndexes: this.#runIndexes,
      isBeginningLost: this.#base.isBeginningLost,
    };
  }

  #addRun(event: TelemetryEvent, receivedAtMs: number): void {
    const index = this.#runs.length;
    const run = createRun(event, index + 1, receivedAtMs);
    this.#runs.push(run);
    this.#ownRuns.set(index, run);
    this.#runIndexes.set(event.correlation_id, index);
  }

  #restart(index: number, attempt: number): void {
    restartRun(this.#ownRun(index), attempt);
    this.#events = this.#events.filter(({ runIndex }) => runIndex !== index);
    this.#isChanged = true;
  }

  #run(index: number): Run {
    const run = this.#runs[index];
    if (run === undefined) throw new RangeError(`There is no run ${index}`);
    return run;
  }

  #ownRun(index: number): RunDraft {
    const own = this.#ownRuns.get(index);
    if (own !== undefined) return own;
    const run = this.#run(index);
    const copy: RunDraft = { ...run, parts: [...run.parts] };
    this.#runs[index] = copy;
    this.#ownRuns.set(index, copy);
    return copy;
  }
}
