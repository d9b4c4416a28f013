import { AgentError } from '../errors.js';
import type { RunIdentity } from '../run-event-source.js';
import type { ToolCall } from '../tools/call-tool.js';
import type { CallPosition } from '../tools/run-steps.js';
import { type Approval, approvalIdOf } from './approval.js';

export interface RunApprovalsOptions {
  readonly run: RunIdentity;
  /** Approvals that earlier deliveries of the run requested, with their decisions. */
  readonly known: readonly Approval[];
  /** How long a call waits for a decision. */
  readonly timeoutMs: number;
  readonly now: () => Date;
}

/** The approvals of one run. */
export class RunApprovals {
  readonly #options: RunApprovalsOptions;
  readonly #all: Approval[];

  constructor(options: RunApprovalsOptions) {
    this.#options = options;
    this.#all = [...options.known];
  }

  /** All approvals, in the order of their requests. */
  get all(): readonly Approval[] {
    return this.#all;
  }

  find({ round, index }: CallPosition): Approval | undefined {
    return this.#all.find((approval) => approval.round === round && approval.index === index);
  }

  /** Requests the approval of a call. */
  request(position: CallPosition, call: ToolCall): Approval {
    const { callId, toolName, arguments: args } = call;
    if (typeof args === 'string') throw new AgentError('agent_error', 'A call without arguments cannot be approved.');
    const now = this.#options.now();
    const approval: Approval = {
      approvalId: approvalIdOf(this.#options.run, position, call),
      ...position,
      callId,
      toolName,
      arguments: args,
      requestedAt: now.toISOString(),
      expiresAt: new Date(now.getTime() + this.#options.timeoutMs).toISOString(),
    };
    this.#all.push(approval);
    return approval;
  }
}
