import type { ApprovalEvent, StreamEvent, TelemetryEvent } from '../api/telemetry-event.js';
import type { RunRecord } from '../api/run-record.js';
import { isEnded, isWaitingForApproval, type Run } from './run.js';
import type { TimelineEvent } from './timeline-event.js';

/** A step of a run, with its events. */
export interface RunStep {
  /** Unique within the run. */
  readonly id: string;
  readonly kind: 'queue' | 'model' | 'tool' | 'approval' | 'attempt';
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  /** Time of its first update. Of model calls only. */
  readonly firstUpdateMs?: number;
  /** `undefined` while it is running. */
  readonly endMs: number | undefined;
  readonly isFailed: boolean;
  /** In order. */
  readonly events: readonly TimelineEvent[];
}

type StepDraft = { -readonly [Field in keyof RunStep]: RunStep[Field] } & { events: TimelineEvent[] };

/**
 * Divides a run into steps, in the order of their start; earlier attempts come last. Events record the start and end of
 * tools and approvals, but not of model calls: a model call is assumed to start at the end of the previous step, and
 * includes retries.
 *
 * @param events - events of the run's current attempt
 * @param earlier - events of its earlier attempts
 * @param record - contains when the run left the queue; `undefined` if unknown
 */
export function stepsOf(
  run: Run,
  events: readonly TimelineEvent[],
  earlier: readonly TimelineEvent[],
  record: RunRecord | undefined,
): RunStep[] {
  const begunMs = Math.max(run.startedAtMs, Date.parse(record?.started_at ?? '') || 0);
  const division = new Division(begunMs);
  if (begunMs > run.startedAtMs) division.addQueue(run.startedAtMs);
  for (const event of events) division.add(event);
  return [...division.end(run), ...attemptsOf(earlier)];
}

class Division {
  readonly #steps: StepDraft[] = [];
  readonly #open = new Map<string, StepDraft>();
  /** Where the next model call begins. */
  #fromMs: number;
  #model: StepDraft | undefined;
  /** Round of the latest model call. */
  #round = 0;

  constructor(begunMs: number) {
    this.#fromMs = begunMs;
  }

  addQueue(acceptedMs: number): void {
    this.#begin('queue', 'queue', 'Queue', acceptedMs).endMs = this.#fromMs;
  }

  add(event: TimelineEvent): void {
    const { source } = event;
    if (source.event_type === 'approval') this.#addApproval(event, source);
    else if (source.event_type === 'stream' && source.update_kind === 'tool_result') this.#endTool(event, source);
    else {
      const isFailed = source.event_type === 'failed';
      // A run that was stopped while it waited for a tool or a person asked no model.
      const waiting =
        isFailed && this.#model === undefined ? this.#steps.filter(({ endMs }) => endMs === undefined) : [];
      const ended = waiting.length > 0 ? waiting : [this.#modelStep(source)];
      for (const step of ended) Object.assign(step, { endMs: event.atMs, isFailed }).events.push(event);
      if (source.event_type !== 'stream') return;
      for (const model of ended) model.firstUpdateMs ??= event.atMs;
      if (source.update_kind === 'tool_call') this.#beginTool(event, source);
    }
  }

  end(run: Run): readonly RunStep[] {
    if (isEnded(run)) {
      for (const step of this.#steps) step.endMs ??= run.lastEventAtMs;
    } else if (this.#model !== undefined) {
      this.#model.endMs = undefined;
    } else if (!isWaitingForApproval(run) && this.#steps.every(({ endMs }) => endMs !== undefined)) {
      this.#modelStep();
    }
    return this.#steps;
  }

  #beginTool(event: TimelineEvent, { call_id: id, tool_name: name = 'tool' }: StreamEvent): void {
    const step = this.#begin(`tool-${id}`, 'tool', name, event.atMs);
    step.events.push(event);
    this.#open.set(step.id, step);
  }

  #endTool(event: TimelineEvent, update: StreamEvent): void {
    const { call_id: id, tool_name: name = 'tool', duration_ms: durationMs, is_error: isFailed = false } = update;
    const known = this.#open.get(`tool-${id}`);
    const step = known ?? this.#begin(`tool-${id}`, 'tool', name, event.atMs - (durationMs ?? 0));
    // Results come in the order of the calls, so that a quick one waits for the slow one before it.
    if (step.kind === 'tool') {
      step.endMs = Math.min(event.atMs, step.startMs + (durationMs ?? Infinity));
      step.isFailed = isFailed;
    }
    step.events.push(event);
    this.#advanceTo(event.atMs);
  }

  #addApproval(
    event: TimelineEvent,
    { approval_id: id, call_id: callId, tool_name: name, state }: ApprovalEvent,
  ): void {
    const step =
      this.#open.get(`approval-${id}`) ?? this.#begin(`approval-${id}`, 'approval', `Approval of ${name}`, event.atMs);
    this.#open.set(step.id, step);
    step.events.push(event);
    if (state !== 'requested') {
      step.endMs = event.atMs;
      step.isFailed = state !== 'approved';
    }
    const tool = this.#open.get(`tool-${callId}`);
    // A waiting tool has not started.
    if (tool !== undefined && state === 'requested') this.#steps.splice(this.#steps.indexOf(tool), 1);
    if (tool !== undefined && state === 'approved') {
      tool.startMs = event.atMs;
      this.#steps.push(tool);
    }
    // The model gets the rejection as the result of the call.
    if (state === 'rejected' || state === 'expired') this.#open.set(`tool-${callId}`, step);
    this.#advanceTo(event.atMs);
  }

  /** Returns the model call that an event belongs to, or the current one. */
  #modelStep(event?: TelemetryEvent): StepDraft {
    const round =
      event?.event_type === 'stream' ? (event.round ?? 1) : this.#round + (this.#model === undefined ? 1 : 0);
    if (round !== this.#round || this.#model === undefined) {
      this.#round = round;
      const id = `model-${round}`;
      this.#model =
        this.#steps.find((step) => step.id === id) ?? this.#begin(id, 'model', `Model call ${round}`, this.#fromMs);
    }
    return this.#model;
  }

  #advanceTo(atMs: number): void {
    this.#model = undefined;
    this.#fromMs = atMs;
  }

  #begin(id: string, kind: RunStep['kind'], title: string, startMs: number): StepDraft {
    const step: StepDraft = { id, kind, title, startMs, endMs: undefined, isFailed: false, events: [] };
    this.#steps.push(step);
    return step;
  }
}

function attemptsOf(earlier: readonly TimelineEvent[]): RunStep[] {
  const attempts = new Map<number, TimelineEvent[]>();
  for (const event of earlier) attempts.set(event.attempt, [...(attempts.get(event.attempt) ?? []), event]);
  return [...attempts].map(([attempt, events]) => ({
    id: `attempt-${attempt}`,
    kind: 'attempt',
    title: `Attempt ${attempt}, interrupted`,
    startMs: events[0]?.atMs ?? 0,
    endMs: events.at(-1)?.atMs,
    isFailed: true,
    events,
  }));
}
