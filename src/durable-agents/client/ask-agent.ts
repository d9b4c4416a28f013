import type { InvocationContext } from '@azure/functions';
import { getClient } from 'durable-functions';
import type { z } from 'zod';
import { InvocationLog } from '../../functions/logger.js';
import type { Agent, StructuredAgent } from '../agent.js';
import { AgentError } from '../errors.js';
import { runRequestSchema } from '../run-request.js';
import { checkResponseSchema, zodAnswerFormat } from '../structured-output.js';
import { createId } from '../thread/thread-id.js';
import { acceptRun } from './accept-run.js';
import { AgentClient, type AgentClientOptions } from './agent-client.js';

/** A message from the app's own code to an agent. */
export interface AgentQuestion {
  /** A registered agent. */
  readonly agent: Agent;
  readonly message: string;
  /** The conversation to continue. @default a new one */
  readonly threadId?: string;
  /** Schema of this answer, instead of the agent's own. Must not contain regular expressions. Optional. */
  readonly responseSchema?: z.ZodType;
}

export interface AgentAnswer<Value> {
  readonly text: string;
  /** The parsed answer, or its text if there is no schema. */
  readonly value: Value;
  readonly threadId: string;
  readonly correlationId: string;
}

export type AskAgentOptions = Pick<AgentClientOptions, 'completions' | 'runRecords' | 'pollIntervalMs' | 'maxWaitMs'>;

export type AskAgent = ReturnType<typeof createAskAgent>;

export function createAskAgent(options: AskAgentOptions) {
  /**
   * Asks an agent in a thread, as its HTTP endpoint does, and waits for the answer. Pass the context of a function that
   * has a durable client among its inputs.
   *
   * @throws AgentError if the run fails; `wait_timeout` if it has not ended after the wait; `waiting_for_approval` if
   * it waits for a person
   * @throws ResponseSchemaError if the schema is not supported
   */
  function ask<Value>(
    question: AgentQuestion & { readonly responseSchema: z.ZodType<Value> },
    context: InvocationContext,
  ): Promise<AgentAnswer<Value>>;
  function ask<Value>(
    question: AgentQuestion & { readonly agent: StructuredAgent<Value> },
    context: InvocationContext,
  ): Promise<AgentAnswer<Value>>;
  function ask(question: AgentQuestion, context: InvocationContext): Promise<AgentAnswer<string>>;
  async function ask(question: AgentQuestion, context: InvocationContext): Promise<AgentAnswer<unknown>> {
    const { agent, message, threadId = createId(), responseSchema } = question;
    const format = responseSchema && zodAnswerFormat(responseSchema);
    if (format !== undefined) checkResponseSchema(format.schema);
    const run = runRequestSchema.parse({ message, correlationId: createId(), responseSchema: format?.schema });
    const durableClient = getClient(context);
    const about = { ...options, agentName: agent.name, threadId, durableClient, log: new InvocationLog(context) };
    const accepted = await acceptRun({
      ...about,
      client: new AgentClient(about),
      run,
      isKeyed: false,
      strategy: 'enqueue',
    });
    const started = await accepted.start().catch(async (error: unknown) => {
      await accepted.withdraw();
      throw error;
    });
    const outcome = await started.outcome();
    switch (outcome?.status) {
      case 'success': {
        const { response: text } = outcome;
        const answerFormat = format ?? agent.answerFormat;
        const value = answerFormat === undefined ? text : answerFormat.parse(text);
        return { text, value, threadId, correlationId: run.correlationId };
      }
      case 'error':
        throw new AgentError(outcome.errorCode, outcome.error, { retryAfterSeconds: outcome.retryAfterSeconds });
      case 'waiting':
        throw new AgentError('waiting_for_approval', 'The run waits for the approval of tool calls.');
      case undefined:
        throw new AgentError('wait_timeout', 'The run did not end while its caller waited. It continues.');
    }
  }
  return ask;
}
