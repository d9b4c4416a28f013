import { z } from 'zod';
import { cleanForeignText } from '../../functions/foreign-text.js';
import type { Logger } from '../../functions/logger.js';
import type { JsonObject } from '../thread/thread-state.js';

const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;
const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_ISSUES_CHARS = 500;

/** The context of a tool call. */
export interface ToolContext {
  readonly agentName: string;
  readonly threadId: string;
  /** Id of the run. */
  readonly correlationId: string;
  /** The model's id of the call. */
  readonly callId: string;
  /** The same for each delivery of a call. Pass it to services so that they recognize a repeated request. */
  readonly idempotencyKey: string;
  /** Aborted when the call or its run has timed out. The result is then discarded. */
  readonly signal: AbortSignal;
  /** The log of the invocation that runs the agent. */
  readonly log: Logger;
}

export type ToolEffect = 'repeatable' | 'once';

export interface ToolOptions<Parameters extends z.ZodObject> {
  /** Letters, digits, `_` and `-`, at most 64. */
  readonly name: string;
  /** Tells the model what the tool does and when to use it. */
  readonly description: string;
  /** Schema of the arguments: the model gets it as JSON Schema, and it parses the model's arguments. */
  readonly parameters: Parameters;
  /**
   * Returns the result for the model: any value that `JSON.stringify` accepts. Throw a {@link ToolError} to tell the
   * model what went wrong.
   */
  readonly execute: (args: z.output<Parameters>, context: ToolContext) => unknown;
  /** How long the model waits for a result. @default 30,000 */
  readonly timeoutMs?: number;
  /**
   * What to do with a call that a crash interrupted. `repeatable`: make it again with the same `idempotencyKey`.
   * `once`: fail the run with `tool_outcome_unknown`. @default 'repeatable'
   */
  readonly effect?: ToolEffect;
  /**
   * Whether a person must approve a call before it is made. A function decides by the arguments; if it throws, the call
   * needs approval. @default false
   */
  readonly needsApproval?: boolean | ((args: z.output<Parameters>) => boolean | Promise<boolean>);
}

/** A tool, created by {@link defineTool}. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly parameters: JsonObject;
  readonly timeoutMs: number;
  readonly effect: ToolEffect;
  /** Parses arguments. @throws ToolError if they do not match the schema */
  prepare(args: JsonObject): Promise<PreparedCall>;
}

/** A call with valid arguments. */
export interface PreparedCall {
  /** Returns whether a person must approve it. Rejects with the error of the tool's function. */
  needsApproval(): Promise<boolean>;
  execute(context: ToolContext): unknown;
}

/** A failure that the model may read: its message becomes the result of the call. Other errors are only logged. */
export class ToolError extends Error {
  /** Stable and in snake_case, for traces. */
  readonly code: string;

  constructor(message: string, options: ErrorOptions & { readonly code?: string } = {}) {
    super(message, options);
    this.name = 'ToolError';
    this.code = options.code ?? 'tool_error';
  }
}

/**
 * Defines a tool that a model can call.
 *
 * @throws TypeError if models do not accept the name
 */
export function defineTool<Parameters extends z.ZodObject>(options: ToolOptions<Parameters>): Tool {
  const { name, description, parameters, execute, timeoutMs = DEFAULT_TIMEOUT_MS, effect = 'repeatable' } = options;
  const { needsApproval = false } = options;
  if (!TOOL_NAME.test(name)) {
    throw new TypeError(`Invalid tool name "${name}": expected 1 to 64 letters, digits, "_" or "-".`);
  }
  const { $schema: _, ...schema } = z.toJSONSchema(parameters, { io: 'input' });
  return {
    name,
    description,
    parameters: schema,
    timeoutMs,
    effect,
    async prepare(args) {
      const parsed = await parameters.safeParseAsync(args);
      if (!parsed.success) throw invalidArguments(`do not fit the schema of ${name}. ${describeIssues(parsed.error)}`);
      const { data } = parsed;
      return {
        needsApproval: async () => (typeof needsApproval === 'boolean' ? needsApproval : needsApproval(data)),
        execute: (context) => execute(data, context),
      };
    },
  };
}

export function invalidArguments(problem: string): ToolError {
  return new ToolError(`The arguments ${problem}`, { code: 'invalid_arguments' });
}

/** Describes validation errors for a model or a caller, such as `location: expected string`. May quote property names. */
export function describeIssues({ issues }: z.ZodError): string {
  const described = issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.length === 0 ? 'value' : path.join('.')}: ${message}`);
  return cleanForeignText(described.join('; '), MAX_ISSUES_CHARS);
}
