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

/** How often each thing was done: a line of the ledger, or a model call. */
export type Counts = ReadonlyMap<string, number>;

/** A recorded step of a run, and how often it had been done when the host was killed. */
export interface FinishedStep {
  readonly kind: 'tool call' | 'model call';
  readonly key: string;
  readonly times: number;
}

/** Tools that must not be called again, by the kind of the run that calls them. */
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

/** What the model says last: the results that it got, in their order. */
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

/** How often each line stands in the file. */
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

/** The steps of a run that are recorded, so that no later attempt may do them again. */
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
      const line = `${name} ${correlationId}-${round}-${index + 1}`;
      finished.push({ kind: 'tool call', key: line, times: ledger.get(line) ?? 0 });
    }
  }
  return finished;
}

/** How a run has ended: `answered`, or the code of its error. */
export function endOf({ visible }: ThreadView): string {
  const last = visible.at(-1);
  if (last?.event_type === 'final') return 'answered';
  return last?.event_type === 'failed' ? last.error_code : 'not at all';
}

/** What is wrong with the end of a run. */
export function checkEnd(view: ThreadView, { message, correlationId }: AcceptedRun, ledger: Counts): string[] {
  const kind = kindOf(message);
  const end = endOf(view);
  const entries = view.state?.data.conversationHistory.map(({ $type }) => $type).join(',');
  const problems = entries === 'request,response' ? [] : [`${message}: the conversation has ${entries ?? 'nothing'}`];
  const ends = view.visible.filter((event) => event.event_type === 'final' || event.event_type === 'failed');
  if (ends.length !== 1) problems.push(`${message} has ${ends.length} ends`);
  const mayBeUnknown = kind !== 'repeatable' && view.attemptOf(correlationId) > 1;
  if (end === 'tool_outcome_unknown' && mayBeUnknown) return problems;
  if (end !== 'answered') return [...problems, `${message} ended: ${end}`];

  const calls = Array.from({ length: TOOL_ROUNDS }, (_, index) => callsOf(kind, index + 1));
  const expected = answerText(calls.flat().map(({ id }) => `noted ${id}`));
  const [final] = ends;
  if (final?.event_type !== 'final' || final.response_text !== expected) problems.push(`${message} has another answer`);
  const missing = calls.flatMap((round, roundIndex) =>
    round.filter(({ name }, index) => !ledger.has(`${name} ${correlationId}-${roundIndex + 1}-${index + 1}`)),
  );
  if (missing.length > 0) problems.push(`${message} was answered without ${missing.map(({ id }) => id).join(', ')}`);
  return problems;
}

function kindOf(message: string): RunKind {
  if (message.includes('approved')) return 'approved';
  return message.includes('once') ? 'once' : 'repeatable';
}

function modelCallKey(message: string, round: number): string {
  return `${message}, call ${round}`;
}
