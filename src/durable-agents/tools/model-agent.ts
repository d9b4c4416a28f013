import type { z } from 'zod';
import { errorText } from '../../functions/error-text.js';
import { cleanForeignText } from '../../functions/foreign-text.js';
import type {
  Agent,
  AgentRunOptions,
  AgentStreamPart,
  AgentToolResultUpdate,
  AgentUsage,
  StructuredAgent,
} from '../agent.js';
import { type Approval, refusalOf, toApprovalUpdate, toRequestedUpdate } from '../approvals/approval.js';
import { AgentError } from '../errors.js';
import { zodAnswerFormat } from '../structured-output.js';
import type { ThreadContent, ThreadMessage } from '../thread/thread-state.js';
import { callModel } from './call-model.js';
import { callTool, type ToolCall, toFunctionCall, type ToolOutcome, toToolCalls } from './call-tool.js';
import type { ChatModel } from './chat-model.js';
import type { AnswerStep, CallPosition } from './run-steps.js';
import { type PreparedCall, type Tool, ToolError } from './tool.js';

export interface ModelAgentOptions {
  readonly name: string;
  /** See {@link Agent.type}. @default 'ChatAgent' */
  readonly type?: string;
  readonly model: ChatModel;
  /** The tools that the model may call. @default none */
  readonly tools?: readonly Tool[];
  /** Maximum number of rounds of tool calls in a run. Beyond it, the run fails. @default 10 */
  readonly maxToolRounds?: number;
  /** Schema of the answers: the model gets it as JSON Schema, and it parses the answers. Optional. */
  readonly responseSchema?: z.ZodType;
}

/**
 * Creates an agent that uses a model. It asks the model, makes the tool calls of the answer concurrently, and asks again
 * with their results, until an answer has no calls.
 *
 * @throws TypeError if two tools have the same name
 */
export function createModelAgent<Answer>(
  options: ModelAgentOptions & { readonly responseSchema: z.ZodType<Answer> },
): StructuredAgent<Answer>;
export function createModelAgent(options: ModelAgentOptions): Agent;
export function createModelAgent(options: ModelAgentOptions): Agent {
  const { name, type = 'ChatAgent', model, tools = [], maxToolRounds = 10 } = options;
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
        // Readers have already seen the final answer, so the one of another delivery does not replace it.
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
      const asked = await findApprovals(calls, round, run);
      const outcomes = startCalls(calls, round, run, (index) => !asked.has(index));
      for (const [index, outcome] of outcomes) yield toResultPart(calls[index]!, await outcome);
      if (asked.size > 0) {
        const approvals = [...asked.values()];
        yield* approvals.map(toRequestedUpdate);
        if (approvals.some(({ decision }) => decision === undefined)) {
          yield { kind: 'suspension' };
          return;
        }
        yield* approvals.map(toApprovalUpdate);
        // If the run waited in a later round, too, that round was also shown.
        if (steps?.answer(round + 1) === undefined) yield { kind: 'resumption' };
      }
      const decided = calls.map((call, index) => withEdits(call, asked.get(index)));
      const approved = startCalls(decided, round, run, (index) => asked.has(index), asked);
      for (const [index, outcome] of approved) yield toResultPart(decided[index]!, await outcome);
      const results: ThreadContent[] = [];
      for (const [index, { callId }] of decided.entries()) {
        const { result } = await (outcomes.get(index) ?? approved.get(index))!;
        results.push({ $type: 'functionResult', callId, result });
      }
      conversation.push(toMessage(said, decided), { role: 'tool', contents: results });
    }
  }

  /** Returns the approvals that the calls of a round need, by position. */
  async function findApprovals(
    calls: readonly ToolCall[],
    round: number,
    { approvals, steps, log, correlationId }: AgentRunOptions,
  ): Promise<ReadonlyMap<number, Approval>> {
    const asked = new Map<number, Approval>();
    for (const [index, call] of calls.entries()) {
      const position = { round, index };
      const known = approvals?.find(position);
      if (known !== undefined) asked.set(index, known);
      else if (steps?.outcome(position) === undefined && (await needsApproval(byName.get(call.toolName), call, warn))) {
        if (approvals === undefined) {
          throw new AgentError('approval_unavailable', `Nobody can be asked to approve the call of ${call.toolName}.`);
        }
        asked.set(index, approvals.request(position, call));
      }
    }
    return asked;

    function warn(message: string): void {
      log.warn(`[${name}][${correlationId}] ${message}`);
    }
  }

  /** Makes calls of a round concurrently, except those that an earlier delivery has finished. */
  function startCalls(
    calls: readonly ToolCall[],
    round: number,
    run: AgentRunOptions,
    isIncluded: (index: number) => boolean,
    asked?: ReadonlyMap<number, Approval>,
  ): ReadonlyMap<number, Promise<ToolOutcome>> {
    const { steps, trace } = run;
    const included = [...calls.entries()].filter(([index]) => isIncluded(index));
    for (const [index, call] of included) {
      const isOnce = byName.get(call.toolName)?.effect === 'once';
      if (isOnce && steps?.outcome({ round, index }) === undefined) steps?.assertNotBegun({ round, index }, call);
    }
    return new Map(
      included.map(([index, call]) => {
        const approval = asked?.get(index);
        const refusal = approval && refusalOf(approval);
        const outcome = refusal === undefined ? makeCall(call, { round, index }) : Promise.resolve(refusal);
        // Awaited later. Until then, a rejection must not count as unhandled.
        outcome.catch(() => undefined);
        return [index, outcome];
      }),
    );

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

  const answerFormat = options.responseSchema && zodAnswerFormat(options.responseSchema);
  return {
    name,
    type,
    ...(model.info && { model: model.info }),
    ...(answerFormat && { answerFormat }),
    tools,
    run: answer,
  };
}

/** Returns whether a call needs approval. One with bad arguments does not, because it is not made. */
async function needsApproval(
  tool: Tool | undefined,
  { arguments: args, toolName, callId }: ToolCall,
  warn: (message: string) => void,
): Promise<boolean> {
  if (tool === undefined || typeof args === 'string') return false;
  let prepared: PreparedCall;
  try {
    prepared = await tool.prepare(args);
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
  try {
    return await prepared.needsApproval();
  } catch (error) {
    warn(
      `whether call ${cleanForeignText(callId, 60)} of ${toolName} needs approval could not be decided, so it does: ${errorText(error)}`,
    );
    return true;
  }
}

/** Returns the call with the arguments of the approval, if edited. */
function withEdits(call: ToolCall, approval: Approval | undefined): ToolCall {
  const edited = approval?.decision?.arguments;
  return edited === undefined ? call : { ...call, arguments: edited };
}

function toResultPart({ callId, toolName }: ToolCall, outcome: ToolOutcome): AgentToolResultUpdate {
  return { kind: 'tool_result', text: '', callId, toolName, ...outcome };
}

/** Returns the model's answer for the next round. Omits arguments that are not a JSON object, which providers
 * refuse. */
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
