import type { CallbackEvent } from '../domain/callback-event.js';
import type { CallbackEventPage } from '../store/callback-event-store.js';
import type { EventThread } from '../domain/event-thread.js';
import type { StoredEvent } from '../domain/stored-event.js';
import type { RunRecord } from '../domain/run-record.js';

export type EventsWithRuns = Pick<CallbackEventPage, 'thread' | 'events' | 'runs'>;

/** What the events of one attempt say before and behind what is their own, as JSON text. */
interface AttemptFrame {
  readonly correlationId: string;
  readonly attempt: number;
  readonly head: string;
  readonly streamTail: string;
  readonly endTail: string;
}

/**
 * The JSON texts of events of a page, with what their runs say joined to them. See {@link CallbackEvent} for the
 * fields; they are put together as text, as the texts of events are long and already JSON.
 */
export function eventJsons(page: EventsWithRuns): string[] {
  return page.events.map(eventToJson(page));
}

/** The same for one event after another; quickest where those of one attempt follow each other. */
export function eventToJson({ thread, runs }: Pick<EventsWithRuns, 'thread' | 'runs'>): (event: StoredEvent) => string {
  let frame: AttemptFrame | undefined;
  return ({ timestamp, fields, eventType, sequence, correlationId, attempt }) => {
    if (frame?.correlationId !== correlationId || frame.attempt !== attempt) {
      frame = createFrame(thread, runs.get(correlationId), correlationId, attempt);
    }
    return `{"timestamp":"${timestamp}${frame.head}${fields}${eventType === 'stream' ? frame.streamTail : frame.endTail}${sequence}}`;
  };
}

/** Reads the JSON text of an event that this app has written, in the shape of the type. */
export function parseEvent(json: string): CallbackEvent {
  const event: CallbackEvent = JSON.parse(json);
  return event;
}

function createFrame(
  { agentName, threadId }: EventThread,
  run: RunRecord | undefined,
  correlationId: string,
  attempt: number,
): AttemptFrame {
  const head = JSON.stringify({
    agent_name: agentName,
    thread_id: threadId,
    correlation_id: correlationId,
    request_message: run?.requestMessage ?? '',
  });
  const lostEvents = run?.attempts.find((candidate) => candidate.attempt === attempt)?.lostEvents ?? 0;
  const about = `,"run_started_at":${JSON.stringify(run?.acceptedAt ?? '')},"attempt":${attempt},`;
  const lost = lostEvents > 0 ? `"lost_events":${lostEvents},` : '';
  return {
    correlationId,
    attempt,
    head: `",${head.slice(1, -1)},`,
    streamTail: `${about}"sequence":`,
    endTail: `${about}${lost}"sequence":`,
  };
}
