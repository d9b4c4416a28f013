import type { CallbackEvent } from '../../src/audit/domain/callback-event.js';
import { messageText } from '../../src/durable-agents/index.js';
import type { ThreadView } from './thread-api.js';

/** A run that a host accepted with 202. It must be answered even if the host is killed. */
export interface AcceptedRun {
  readonly threadId: string;
  readonly correlationId: string;
  readonly message: string;
}

/** Returns the problems of a thread whose accepted runs have had time to end. Empty if there are none. */
export function checkThread(view: ThreadView, runs: readonly AcceptedRun[]): string[] {
  const problems = [...checkRecord(view.all), ...runs.flatMap((run) => checkRun(view, run))];
  const known = new Set(runs.map(({ correlationId }) => correlationId));
  if (view.all.some(({ correlation_id: id }) => !known.has(id))) problems.push('there are events of an unknown run');
  return problems.map((problem) => `${view.threadId}: ${problem}`);
}

/** Checks that sequences have no gap or duplicate, and that each attempt's pieces appear once, in order. */
function checkRecord(events: readonly CallbackEvent[]): string[] {
  const problems: string[] = [];
  const nextPieces = new Map<string, number>();
  for (const [index, event] of events.entries()) {
    if (event.sequence !== index + 1) problems.push(`event ${index + 1} has the sequence ${event.sequence}`);
    if (event.event_type !== 'stream') continue;
    const attempt = `${event.correlation_id}/${event.attempt}`;
    const expected = nextPieces.get(attempt) ?? 0;
    if (!event.text.endsWith(`.${expected} `))
      problems.push(`piece ${expected} of attempt ${attempt} is "${event.text}"`);
    nextPieces.set(attempt, expected + 1);
  }
  return problems;
}

function checkRun({ visible, all, state }: ThreadView, { correlationId, message }: AcceptedRun): string[] {
  const problems: string[] = [];
  const events = visible.filter((event) => event.correlation_id === correlationId);
  const [final, ...others] = events.filter((event) => event.event_type === 'final');
  if (final === undefined) return [`run ${message} has no answer`];
  if (others.length > 0) problems.push(`run ${message} has ${others.length + 1} answers`);
  if (events.at(-1) !== final) problems.push(`run ${message} has events after its answer`);
  if (final.lost_events !== undefined) problems.push(`run ${message} has lost ${final.lost_events} events`);
  const newest = Math.max(
    ...all.filter((event) => event.correlation_id === correlationId).map(({ attempt }) => attempt),
  );
  if (events.some(({ attempt }) => attempt !== newest))
    problems.push(`run ${message} shows events of earlier attempts`);

  const text = events.map((event) => (event.event_type === 'stream' ? event.text : '')).join('');
  if (text !== final.response_text) problems.push(`the pieces of run ${message} are not its answer`);
  const entries = state?.data.conversationHistory.filter((entry) => entry.correlationId === correlationId) ?? [];
  const kinds = entries.map(({ $type }) => $type).join(',');
  if (kinds !== 'request,response') problems.push(`the conversation has ${kinds || 'nothing'} of run ${message}`);
  const kept = entries.at(-1)?.messages?.map(messageText).join('\n');
  if (kept !== final.response_text) problems.push(`the conversation has a different answer to run ${message}`);
  return problems;
}

/**
 * Returns the problems of a run that was cancelled. It may have been answered before that.
 *
 * @param status the status in its record
 */
export function checkCancelled(view: ThreadView, run: AcceptedRun, status: string): string[] {
  if (status === 'completed') return checkThread(view, [run]);
  const ended = view.visible.filter((event) => event.event_type !== 'stream');
  const entries = view.state?.data.conversationHistory ?? [];
  const problems = [
    ...checkRecord(view.all),
    ...(status === 'cancelled' ? [] : [`its status is ${status}`]),
    ...(ended.length === 1 ? [] : [`it has ${ended.length} ends`]),
    ...(JSON.stringify(ended[0]).includes('"error_code":"cancelled"')
      ? []
      : ['its last event does not say that it was cancelled']),
    ...(view.visible.at(-1) === ended[0] ? [] : ['it has events after its end']),
    ...(JSON.stringify(entries[1])?.includes('"errorCode":"cancelled"')
      ? []
      : ['the conversation does not say that it was cancelled']),
  ];
  return problems.map((problem) => `${view.threadId} was cancelled: ${problem}`);
}

/** The phase of a run when the host was killed during it for the first time. */
export function phaseOfKill({ all }: ThreadView, { correlationId }: AcceptedRun, killedAt: readonly string[]): string {
  const events = all.filter((event) => event.correlation_id === correlationId);
  const first = events.filter(({ attempt }) => attempt === events[0]?.attempt);
  const last = events.at(-1);
  const isCutOff = last !== undefined && first[0]?.attempt !== last.attempt;
  if (isCutOff) return first.at(-1)?.event_type === 'stream' ? 'in mid-answer' : 'answered, not saved';
  if ((first[0]?.attempt ?? 1) > 1) return 'before its first event';
  return (last?.timestamp ?? '') < (killedAt[0] ?? '') ? 'after its end' : 'before it began';
}
