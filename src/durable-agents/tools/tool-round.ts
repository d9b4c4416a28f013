import { errorText } from '../../functions/error-text.js';
import { cleanForeignText } from '../../functions/foreign-text.js';
import type { AgentRunOptions, AgentStreamPart, AgentToolResultUpdate } from '../agent.js';
import { type Approval, refusalOf, toApprovalUpdate, toRequestedUpdate } from '../approvals/approval.js';
import { AgentError } from '../errors.js';
import type { ThreadContent } from '../thread/thread-state.js';
import { callTool, type ToolCall, type ToolOutcome } from './call-tool.js';
import type { CallPosition } from './run-steps.js';
import { type PreparedCall, type Tool, ToolError } from './tool.js';

export interface ToolRoundOptions {
  readonly agentName: string;
  /** By name. */
  readonly tools: ReadonlyMap<string, Tool>;
  readonly run: AgentRunOptions;
  /** Counts from 1. */
  readonly round: number;
  readonly calls: readonly ToolCall[];
}

export interface PlayedRound {
  /** The calls that were made, with the arguments as edited by those who approved them. */
  readonly calls: readonly ToolCall[];
  /** For the model, in the order of the calls. */
  readonly results: readonly ThreadContent[];
}

type Outcomes = ReadonlyMap<number, Promise<ToolOutcome>>;

/** The tool calls of one answer of the model. */
export class ToolRound {
  readonly #options: ToolRoundOptions;

  constructor(options: ToolRoundOptions) {
    this.#options = options;
  }

  /**
   * Makes the calls concurrently: first those without approval, then those that were approved. Streams calls, results,
   * approvals and their decisions.
   *
   * @returns undefined if the run has to wait for decisions
   */
  async *play(): AsyncGenerator<AgentStreamPart, PlayedRound | undefined> {
    const { calls, round, run } = this.#options;
    for (const { callId, toolName, arguments: args } of calls) {
      yield { kind: 'tool_call', text: '', callId, toolName, arguments: args };
    }
    const approvals = await this.#findApprovals();
    const free = this.#start(calls, (index) => !approvals.has(index));
    yield* resultsOf(calls, free);
    if (approvals.size > 0) {
      const asked = [...approvals.values()];
      yield* asked.map(toRequestedUpdate);
      if (asked.some(({ decision }) => decision === undefined)) return undefined;
      yield* asked.map(toApprovalUpdate);
      // If the run waited in a later round, too, that round was also shown.
      if (run.steps?.answer(round + 1) === undefined) yield { kind: 'resumption' };
    }
    const decided = calls.map((call, index) => withEdits(call, approvals.get(index)));
    const approved = this.#start(decided, (index) => approvals.has(index), approvals);
    yield* resultsOf(decided, approved);
    const results: ThreadContent[] = [];
    for (const [index, { callId }] of decided.entries()) {
      const { result } = await (free.get(index) ?? approved.get(index))!;
      results.push({ $type: 'functionResult', callId, result });
    }
    return { calls: decided, results };
  }

  /** Returns the approvals that the calls need, by position. */
  async #findApprovals(): Promise<ReadonlyMap<number, Approval>> {
    const { agentName, run, round, calls, tools } = this.#options;
    const warn = (message: string): void => run.log.warn(`[${agentName}][${run.correlationId}] ${message}`);
    const approvals = new Map<number, Approval>();
    for (const [index, call] of calls.entries()) {
      const position = { round, index };
      const known = run.approvals?.find(position);
      if (known !== undefined) approvals.set(index, known);
      else if (
        run.steps?.outcome(position) === undefined &&
        (await needsApproval(tools.get(call.toolName), call, warn))
      ) {
        if (run.approvals === undefined) {
          throw new AgentError('approval_unavailable', `Nobody can be asked to approve the call of ${call.toolName}.`);
        }
        approvals.set(index, run.approvals.request(position, call));
      }
    }
    return approvals;
  }

  /** Makes calls concurrently, except those that an earlier delivery has finished. */
  #start(
    calls: readonly ToolCall[],
    isIncluded: (index: number) => boolean,
    approvals?: ReadonlyMap<number, Approval>,
  ): Outcomes {
    const { run, round, tools } = this.#options;
    const included = [...calls.entries()].filter(([index]) => isIncluded(index));
    for (const [index, call] of included) {
      const isOnce = tools.get(call.toolName)?.effect === 'once';
      if (isOnce && run.steps?.outcome({ round, index }) === undefined)
        run.steps?.assertNotBegun({ round, index }, call);
    }
    return new Map(
      included.map(([index, call]) => {
        const approval = approvals?.get(index);
        const refusal = approval && refusalOf(approval);
        const outcome = refusal === undefined ? this.#make(call, { round, index }) : Promise.resolve(refusal);
        // Awaited later. Until then, a rejection must not count as unhandled.
        outcome.catch(() => undefined);
        return [index, outcome];
      }),
    );
  }

  async #make(call: ToolCall, position: CallPosition): Promise<ToolOutcome> {
    const { agentName, run, round, tools } = this.#options;
    const { steps, threadId, correlationId, signal, log, trace } = run;
    const taken = steps?.outcome(position);
    if (taken !== undefined) return taken;
    const tool = tools.get(call.toolName);
    if (tool?.effect === 'once') await steps?.begin(position, call);
    const idempotencyKey = `${correlationId}-${round}-${position.index + 1}`;
    const context = { agentName, threadId, correlationId, callId: call.callId, idempotencyKey, signal, log };
    const outcome = await callTool(tool, call, context, { knownNames: [...tools.keys()], trace });
    return steps === undefined ? outcome : steps.recordOutcome(position, outcome);
  }
}

async function* resultsOf(calls: readonly ToolCall[], outcomes: Outcomes): AsyncGenerator<AgentToolResultUpdate> {
  for (const [index, outcome] of outcomes) {
    const { callId, toolName } = calls[index]!;
    yield { kind: 'tool_result', text: '', callId, toolName, ...(await outcome) };
  }
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
