import type { AgentToolResultUpdate } from '../agent.js';
import { errorText } from '../../functions/error-text.js';
import { cleanForeignText } from '../../functions/foreign-text.js';
import { isDeeperThan } from '../../functions/is-deeper-than.js';
import { raceAbort } from '../../functions/time-limits.js';
import type { RunTrace } from '../run-tracer.js';
import type { JsonObject, ThreadContent } from '../thread/thread-state.js';
import type { ModelToolCall } from './chat-model.js';
import { cutJson, MAX_ARGUMENT_LEVELS, toPlainJson } from './plain-json.js';
import { invalidArguments, type Tool, type ToolContext, ToolError } from './tool.js';

/** A tool call that is ready to be made. */
export interface ToolCall {
  readonly callId: string;
  readonly toolName: string;
  /** The model's arguments as an object, or as a string if they are not a JSON object, or one that is nested too deeply. */
  readonly arguments: JsonObject | string;
}

export type ToolOutcome = Pick<AgentToolResultUpdate, 'result' | 'isError' | 'durationMs'>;

export interface CallToolOptions {
  /** Names of the agent's tools. */
  readonly knownNames: readonly string[];
  readonly trace?: RunTrace | undefined;
}

/**
 * Makes a call. Every failure becomes a result that the model can react to: an unknown tool, bad arguments, an error or
 * a timeout of the tool, a result that is not JSON.
 *
 * @param tool - undefined if the agent has no tool of this name
 * @throws the reason of `context.signal` if it is aborted, because the run has ended
 */
export async function callTool(
  tool: Tool | undefined,
  call: ToolCall,
  context: ToolContext,
  { knownNames, trace }: CallToolOptions,
): Promise<ToolOutcome> {
  const { callId, toolName, arguments: args } = call;
  const span = trace?.startToolCall({
    name: toolName,
    callId,
    description: tool?.description ?? '',
    arguments: args,
  });
  const startedMs = performance.now();
  const outcome = (result: unknown, isError: boolean): ToolOutcome => ({
    result: cutJson(result),
    isError,
    durationMs: Math.round(performance.now() - startedMs),
  });
  try {
    if (tool === undefined) {
      const message = `There is no tool named ${toolName}. Known: ${knownNames.join(', ') || 'none'}.`;
      throw new ToolError(message, { code: 'unknown_tool' });
    }
    if (typeof args === 'string') throw invalidArguments('are not the JSON of an object.');
    const execute = (): Promise<unknown> => executeInTime(tool, args, context);
    const answered = outcome(plainResult(await (span === undefined ? execute() : span.run(execute))), false);
    span?.answered(answered.result);
    return answered;
  } catch (error) {
    const isOver = context.signal.aborted;
    const failure = isOver
      ? new ToolError('The run is over.', { code: 'run_aborted' })
      : toToolError(error, call, context);
    span?.failed(failure.code, failure.message);
    if (isOver) throw context.signal.reason;
    return outcome(`Error: ${failure.message}`, true);
  }
}

/**
 * Converts an error for the model. The message of an error other than {@link ToolError} goes only to the log, because it
 * may reveal internals.
 */
function toToolError(error: unknown, { callId, toolName }: ToolCall, context: ToolContext): ToolError {
  if (error instanceof ToolError) return error;
  const { agentName, correlationId, threadId, log } = context;
  log.warn(
    `[${agentName}][${correlationId}] tool ${toolName} failed in call ${cleanForeignText(callId, 60)}: ${errorText(error)} (thread ${threadId})`,
  );
  return new ToolError(`${toolName} failed unexpectedly.`, { cause: error });
}

/** Returns the calls of a model's answer with unique ids, because endpoints omit or repeat ids. */
export function toToolCalls(calls: readonly ModelToolCall[], round: number): readonly ToolCall[] {
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
  if (typeof args !== 'object' || args === null || Array.isArray(args)) return text;
  return isDeeperThan(MAX_ARGUMENT_LEVELS, args) ? text : { ...args };
}

/** Omits arguments that are not a JSON object, because neither models nor other versions of the state accept them. */
export function toFunctionCall({ callId, toolName: name, arguments: args }: ToolCall): ThreadContent {
  return { $type: 'functionCall', callId, name, ...(typeof args === 'object' && { arguments: args }) };
}

async function executeInTime(tool: Tool, args: JsonObject, context: ToolContext): Promise<unknown> {
  const timeout = new AbortController();
  const timer = setTimeout(() => {
    const message = `${tool.name} did not answer within ${tool.timeoutMs / 1000} s.`;
    timeout.abort(new ToolError(message, { code: 'tool_timeout' }));
  }, tool.timeoutMs);
  const signal = AbortSignal.any([context.signal, timeout.signal]);
  const execute = async (): Promise<unknown> => (await tool.prepare(args)).execute({ ...context, signal });
  try {
    return await raceAbort(execute(), signal);
  } finally {
    clearTimeout(timer);
  }
}

function plainResult(result: unknown): unknown {
  try {
    return toPlainJson(result);
  } catch (error) {
    throw new ToolError('The tool returned a result that cannot be written as JSON.', {
      cause: error,
      code: 'invalid_result',
    });
  }
}
