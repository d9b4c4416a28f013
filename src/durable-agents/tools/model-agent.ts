import type { z } from 'zod';
import type { Agent, AgentRunOptions, AgentStreamPart, AgentUsage, StructuredAgent } from '../agent.js';
import { AgentError } from '../errors.js';
import { zodAnswerFormat } from '../structured-output.js';
import type { ThreadContent, ThreadMessage } from '../thread/thread-state.js';
import { callModel } from './call-model.js';
import { type ToolCall, toFunctionCall, toToolCalls } from './call-tool.js';
import type { ChatModel } from './chat-model.js';
import type { AnswerStep } from './run-steps.js';
import type { Tool } from './tool.js';
import { ToolRound } from './tool-round.js';

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
      const played = yield* new ToolRound({ agentName: name, tools: byName, run, round, calls }).play();
      if (played === undefined) {
        yield { kind: 'suspension' };
        return;
      }
      conversation.push(toMessage(said, played.calls), { role: 'tool', contents: [...played.results] });
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

/** Returns the model's answer for the next round. Omits arguments that are not a JSON object, which providers refuse. */
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
