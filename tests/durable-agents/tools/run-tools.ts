import { z } from 'zod';
import type { AgentResponseUpdate } from '../../../src/durable-agents/agent.js';
import type { ModelToolCall } from '../../../src/durable-agents/tools/chat-model.js';
import { createModelAgent, type ModelAgentOptions } from '../../../src/durable-agents/tools/model-agent.js';
import { defineTool, type Tool, type ToolContext } from '../../../src/durable-agents/tools/tool.js';
import { type ScriptedAnswer, ScriptedChatModel } from '../../../src/durable-agents/testing/scripted-chat-model.js';
import { RecordingCallback } from '../../../src/durable-agents/testing/recording-callback.js';
import { runAgentOnce } from '../../support/run-agent-once.js';

export const call = (toolName: string, args: object | string = {}, callId = 'call-1'): ModelToolCall => ({
  kind: 'tool_call',
  callId,
  toolName,
  arguments: typeof args === 'string' ? args : JSON.stringify(args),
});

/** A tool that accepts any arguments and returns the result of `execute`. */
export const tool = (
  name: string,
  execute: (args: unknown, context: ToolContext) => unknown,
  timeoutMs?: number,
): Tool =>
  defineTool({
    name,
    description: `Does ${name}.`,
    parameters: z.looseObject({}),
    execute,
    ...(timeoutMs !== undefined && { timeoutMs }),
  });

export const weather = defineTool({
  name: 'get_weather',
  description: 'Gives the weather of a place.',
  parameters: z.object({ location: z.string().describe('A city'), days: z.int().default(1) }),
  execute: ({ location, days }) => ({ location, days, sky: 'sunny' }),
});

/** Runs an agent with these tools once, with a model that returns these answers. */
export async function runWith(
  options: Omit<ModelAgentOptions, 'name' | 'model'>,
  ...answers: readonly ScriptedAnswer[]
) {
  const model = new ScriptedChatModel(...answers);
  const callback = new RecordingCallback();
  const agent = createModelAgent({ name: 'ToolAgent', model, ...options });
  const run = await runAgentOnce(agent, { callback });
  const content = run.response.messages?.at(-1)?.contents?.[0];
  return { ...run, model, callback, content };
}

export const resultsOf = (updates: readonly AgentResponseUpdate[]) =>
  updates.flatMap((update) => (update.kind === 'tool_result' ? [update] : []));
