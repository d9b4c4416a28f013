import { readFile } from 'node:fs/promises';
import { RunSteps } from '../../src/durable-agents/tools/run-steps.js';
import type { KeyValueStore } from '../../src/storage/key-value-store.js';
import { createRecordingLog } from '../support/recording-log.js';
import type { ModelAnswer, ModelRequest, ScriptedToolCall } from '../support/scripted-model.js';
import type { AcceptedRun } from './check-thread.js';
import type { ThreadView } from './thread-api.js';

export const LEDGER_AGENT = 'LedgerAgent';
/** How often the model of a run calls tools before it answers. */
const TOOL_ROUNDS = 8;

export type RunKind = 'repeatable' | 'once' | 'approved';

/** How often each line of the ledger or each model call occurred. */
export type Counts = ReadonlyMap<string, number>;

/** A recorded step of a run. `times` is how often it had run when the host was killed. */
export interface FinishedStep {
  readonly kind: 'tool call' | 'model call';
  /** The line of the ledger, or the name of the model call. */
  readonly key: string;
  readonly times: number;
}

/** Tools that must not be called twice, by the kind of the run that calls them. */
const ONCE_TOOLS: Readonly<Partial<Record<RunKind, string>>> = { once: 'note_once', approved: 'note_approved' };

/** The calls of a round. In every other round, some kinds of runs also make one call that must not be repeated. */
function callsOf(kind: RunKind, round: number): readonly ScriptedToolCall[] {
  const onceTool = ONCE_TOOLS[kind];
  const tools = onceTool !== undefined && round % 2 === 0 ? ['note', onceTool, 'note'] : ['note', 'note'];
  return tools.map((name, index) => {
    const id = `call-${round}-${index + 1}`;
    return { id, name, arguments: { text: id } };
  });
}

/** The final answer of the model: the tool results in order. */
function answerText(results: readonly string[]): string {
  return `Done: ${results.join(', ')}.`;
}

/** Counts the calls of a scripted model, and answers them. A run's message names its kind. */
export function answerLedgerRun({ messages }: ModelRequest['body'], modelCalls: Map<string, number>): ModelAnswer {
  const message = messages.find(({ role }) => role === 'user')?.content ?? '';
  const round = messages.filter(({ role }) => role === 'assistant').length + 1;
  const key = modelCallKey(message, round);
  modelCalls.set(key, (modelCalls.get(key) ?? 0) + 1);
  if (round <= TOOL_ROUNDS) return { pieces: [`round ${round}`], toolCalls: callsOf(kindOf(message), round) };
  return { pieces: [answerText(messages.filter(({ role }) => role === 'tool').map(({ content }) => content))] };
}

/** How often each line occurs in the file. */
export async function readLedger(file: string): Promise<Counts> {
  const counts = new Map<string, number>();
  for (const line of (await readFile(file, 'utf8')).split('\n').slice(0, -1)) {
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return counts;
}

export function isOnceCall(line: string): boolean {
  return Object.values(ONCE_TOOLS).some((name) => line.startsWith(`${name} `));
}

/** The recorded steps of a run, which no later attempt may repeat. */
export async function finishedSteps(
  store: KeyValueStore,
  { threadId, correlationId, message }: AcceptedRun,
  ledger: Counts,
  modelCalls: Counts,
): Promise<readonly FinishedStep[]> {
  const run = { agentName: LEDGER_AGENT, threadId, correlationId };
  const steps = new RunSteps({ store, run, isAnswered: () => false, log: createRecordingLog() });
  await steps.load();
  const finished: FinishedStep[] = [];
  for (let round = 1; round <= TOOL_ROUNDS + 1; round += 1) {
    if (steps.answer(round) === undefined) break;
    const asked = modelCallKey(message, round);
    finished.push({ kind: 'model call', key: asked, times: modelCalls.get(asked) ?? 0 });
    for (const [index, { name }] of callsOf(kindOf(message), round).entries()) {
      if (steps.outcome({ round, index }) === undefined) continue;
      const line = lineOf(name, correlationId, round, index + 1);
      finished.push({ kind: 'tool call', key: line, times: ledger.get(line) ?? 0 });
    }
  }
  return finished;
}

/** How a run ended: `answered` or its error code. */
export function endOf({ visible }: ThreadView): string {
  const last = visible.at(-1);
  if (last?.event_type === 'final') return 'answered';
  return last?.event_type === 'failed' ? last.error_code : 'not at all';
}

/**
 * Returns the problems with the end of a run. Empty if there are none.
 *
 * @param finished steps that were recorded at a kill, by key
 */
export function checkEnd(
  view: ThreadView,
  run: AcceptedRun,
  ledger: Counts,
  finished: ReadonlyMap<string, FinishedStep>,
): string[] {
  const { message, correlationId } = run;
  const kind = kindOf(message);
  const end = endOf(view);
  const entries = view.state?.data.conversationHistory.map(({ $type }) => $type).join(',');
  const problems = entries === 'request,response' ? [] : [`${message}: the conversation has ${entries ?? 'nothing'}`];
  const ends = view.visible.filter((event) => event.event_type === 'final' || event.event_type === 'failed');
  if (ends.length !== 1) problems.push(`${message} has ${ends.length} ends`);
  const [last] = ends;
  const mayBeUnknown = kind !== 'repeatable' && view.attemptOf(correlationId) > 1;
  if (last?.event_type === 'failed' && end === 'tool_outcome_unknown' && mayBeUnknown) {
    return [...problems, ...checkInterruption(last.error_message, run, finished)];
  }
  if (end !== 'answered') return [...problems, `${message} ended: ${end}`];

  const calls = Array.from({ length: TOOL_ROUNDS }, (_, index) => callsOf(kind, index + 1));
  const expected = answerText(calls.flat().map(({ id }) => `noted ${id}`));
  if (last?.event_type !== 'final' || last.response_text !== expected)
    problems.push(`${message} has a different answer`);
  const missing = calls.flatMap((round, roundIndex) =>
    round.filter(({ name }, index) => !ledger.has(lineOf(name, correlationId, roundIndex + 1, index + 1))),
  );
  if (missing.length > 0) problems.push(`${message} was answered without ${missing.map(({ id }) => id).join(', ')}`);
  return problems;
}

/** Only a call whose result was not recorded can have an unknown outcome. */
function checkInterruption(
  error: string,
  { message, correlationId }: AcceptedRun,
  finished: ReadonlyMap<string, FinishedStep>,
): string[] {
  const [, round, position, name] = /^The call call-(\d+)-(\d+) of (\w+) was interrupted\./.exec(error) ?? [];
  if (name === undefined || name !== ONCE_TOOLS[kindOf(message)]) {
    return [`${message} failed, but not because a call of a once tool was interrupted: ${error}`];
  }
  const line = lineOf(name, correlationId, Number(round), Number(position));
  return finished.has(line) ? [`${message} failed at "${line}", although its result was recorded`] : [];
}

/** The line that a tool call adds to the ledger. Rounds and positions count from 1. */
function lineOf(toolName: string, correlationId: string, round: number, position: number): string {
  return `${toolName} ${correlationId}-${round}-${position}`;
}

function kindOf(message: string): RunKind {
  if (message.includes('approved')) return 'approved';
  return message.includes('once') ? 'once' : 'repeatable';
}

function modelCallKey(message: string, round: number): string {
  return `${message}, call ${round}`;
}
