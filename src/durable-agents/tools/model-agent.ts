import type { Agent, AgentRunOptions, AgentStreamPart, AgentUsage } from '../agent.js';
import { AgentError } from '../errors.js';
import type { JsonObject, ThreadContent, ThreadMessage } from '../thread/thread-state.js';
import { callModel } from './call-model.js';
import { callTool, type ToolCall, toFunctionCall, type ToolOutcome } from './call-tool.js';
import type { ChatModel, ModelToolCall } from './chat-model.js';
import type { AnswerStep, CallPosition } from './run-steps.js';
import type { Tool } from './tool.js';

const DEFAULT_MAX_TOOL_ROUNDS = 10;

export interface ModelAgentOptions {
  readonly name: string;
  /** See {@link Agent.type}. @default 'ChatAgent' */
  readonly type?: string;
  readonly model: ChatModel;
  /** What the model may call. @default none */
  readonly tools?: readonly Tool[];
  /** How often a run may call tools and ask the model again. Beyond it the run fails. @default 10 */
  readonly maxToolRounds?: number;
}

/**
 * Creates an agent over a model: it asks the model, makes the calls of its answer at once, and asks again with their
 * results, until an answer has no calls.
 *
 * @throws TypeError if two tools have the same name
 */
export function createModelAgent(options: ModelAgentOptions): Agent {
  const { name, type = 'ChatAgent', model, tools = [], maxToolRounds = DEFAULT_MAX_TOOL_ROUNDS } = options;
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  if (byName.size < tools.length) throw new TypeError(`Two tools of agent "${name}" have the same name.`);

  async function* answer(messages: readonly ThreadMessage[], run: AgentRunOptions): AsyncGenerator<AgentStreamPart> {
    const offered = run.enableToolCalls ? tools : [];
    const steps = offered.length > 0 ? run.steps : undefined;
    await steps?.load();
    const conversation = [...messages];
    let usage: AgentUsage | undefined;
    for (let round = 1; ; round += 1) {
      let said = steps?.answer(round);
      if (said === undefined) {
        const { responseSchema, signal, trace } = run;
        const answered = yield* callModel(model, {
          messages: conversation,
          tools: offered,
          responseSchema,
          signal,
          trace,
        });
        said = { ...answered, calls: toToolCalls(answered.calls, round) };
        // A final answer has been seen already, so another delivery's does not replace it.
        const recorded = await steps?.recordAnswer(round, said);
        if (recorded !== undefined && said.calls.length > 0) said = recorded;
      } else {
        yield* said.texts;
      }
      usage = addUsage(usage, said.finish.usage);
      const { calls, finish } = said;
      if (calls.length === 0) {
        yield { kind: 'finish', finishReason: finish.finishReason, ...(usage && { usage }) };
        return;
      }
      if (offered.length === 0) {
        throw new AgentError('unexpected_finish_reason', 'The model ended its answer with "tool_calls".');
      }
      if (round > maxToolRounds) {
        const message = `The model kept calling tools: the limit of ${maxToolRounds} rounds is reached.`;
        throw new AgentError('too_many_tool_rounds', message);
      }
      for (const { callId, toolName, arguments: args } of calls) {
        yield { kind: 'tool_call', text: '', callId, toolName, arguments: args };
      }
      const results: ThreadContent[] = [];
      const outcomes = startCalls(calls, round, run);
      for (const [index, { callId, toolName }] of calls.entries()) {
        const outcome = await outcomes[index]!;
        yield { kind: 'tool_result', text: '', callId, toolName, ...outcome };
        results.push({ $type: 'functionResult', callId, result: outcome.result });
      }
      conversation.push(toMessage(said, calls), { role: 'tool', contents: results });
    }
  }

  /** Makes the calls of a round at once, but for those that an earlier delivery has finished. */
  function startCalls(
    calls: readonly ToolCall[],
    round: number,
    run: AgentRunOptions,
  ): readonly Promise<ToolOutcome>[] {
    const { steps, trace } = run;
    for (const [index, call] of calls.entries()) {
      const isOnce = byName.get(call.toolName)?.effect === 'once';
      if (isOnce && steps?.outcome({ round, index }) === undefined) steps?.assertNotBegun({ round, index }, call);
    }
    return calls.map((call, index) => {
      const position = { round, index };
      const outcome = makeCall(call, position);
      // It is awaited later, so a rejection must not count as unhandled until then.
      outcome.catch(() => undefined);
      return outcome;
    });

    async function makeCall(call: ToolCall, position: CallPosition): Promise<ToolOutcome> {
      const taken = steps?.outcome(position);
      if (taken !== undefined) return taken;
      const tool = byName.get(call.toolName);
      if (tool?.effect === 'once') await steps?.begin(position, call);
      const { threadId, correlationId, signal, log } = run;
      const idempotencyKey = `${correlationId}-${round}-${position.index + 1}`;
      const context = { agentName: name, threadId, correlationId, callId: call.callId, idempotencyKey, signal, log };
      const outcome = await callTool(tool, call, context, { knownNames: [...byName.keys()], trace });
      return steps === undefined ? outcome : steps.recordOutcome(position, outcome);
    }
  }

  return { name, type, ...(model.info && { model: model.info }), run: answer };
}

/** Endpoints leave ids out, or give two calls the same one. */
function toToolCalls(calls: readonly ModelToolCall[], round: number): readonly ToolCall[] {
  const taken = new Set<string>();
  return calls.map(({ callId, toolName, arguments: text }, index) => {
    const id = callId === '' || taken.has(callId) ? `call_${round}_${index + 1}` : callId;
    taken.add(id);
    return { callId: id, toolName, arguments: parseArguments(text) };
  });
}

function parseArguments(text: string): JsonObject | string {
  if (text.trim() === '') return {};
  let args: unknown;
  try {
    args = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
  return typeof args === 'object' && args !== null && !Array.isArray(args) ? { ...args } : text;
}

/** The model's answer as it gets it back with the results. Providers refuse arguments that are not JSON. */
function toMessage({ texts }: AnswerStep, calls: readonly ToolCall[]): ThreadMessage {
  const said = texts.filter(({ kind, text }) => kind === 'text' && text !== '');
  return {
    role: 'assistant',
    contents: [...said.map(({ text }): ThreadContent => ({ $type: 'text', text })), ...calls.map(toFunctionCall)],
  };
}

function addUsage(sum: AgentUsage | undefined, usage: AgentUsage | undefined): AgentUsage | undefined {
  if (sum === undefined || usage === undefined) return sum ?? usage;
  const extra: Record<string, number> = { ...sum.extra };
  for (const [name, count] of Object.entries(usage.extra ?? {})) extra[name] = (extra[name] ?? 0) + count;
  return {
    inputTokenCount: sum.inputTokenCount + usage.inputTokenCount,
    outputTokenCount: sum.outputTokenCount + usage.outputTokenCount,
    totalTokenCount: sum.totalTokenCount + usage.totalTokenCount,
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}
