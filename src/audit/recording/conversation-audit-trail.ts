import type {
  AgentCallbackContext,
  AgentError,
  AgentResponse,
  AgentResponseCallback,
  AgentResponseUpdate,
} from '../../durable-agents/index.js';
import { type CallbackEventFields, toUpdateFields, toUsageDetails } from '../domain/callback-event.js';
import { RunRecorder } from './run-recorder.js';
import type { CallbackEventStore } from '../store/callback-event-store.js';
import type { NewEvent } from '../domain/stored-event.js';
import type { StoreHealth } from './store-health.js';

export interface UpdateLogOptions {
  /** Whether to log each update. The end of a run is always logged. */
  readonly updates: boolean;
  /** Number of characters logged of each update. 0 logs only its length. */
  readonly previewChars: number;
}

export interface ConversationAuditTrailOptions {
  readonly store: CallbackEventStore;
  readonly health: StoreHealth;
  readonly log: UpdateLogOptions;
  /** How long a run waits for any acknowledgement before it continues without the store. @default 10 s */
  readonly patienceMs?: number;
  readonly now?: () => Date;
}

/** Logs each update and the outcome of each run, and stores them as events. */
export class ConversationAuditTrail implements AgentResponseCallback {
  readonly #options: ConversationAuditTrailOptions;
  readonly #now: () => Date;
  /** Recorders by context. Each delivery of a run has its own context. */
  readonly #recorders = new WeakMap<AgentCallbackContext, RunRecorder>();

  constructor(options: ConversationAuditTrailOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
  }

  onAgentStart(context: AgentCallbackContext): void {
    this.#recorderOf(context).begin();
  }

  onStreamingResponseUpdate(update: AgentResponseUpdate, context: AgentCallbackContext): void | Promise<void> {
    if (this.#options.log.updates) context.log.info(`${where(context)} ${this.#describe(update)}`);
    return this.#recorderOf(context).add(this.#event(toUpdateFields(update)));
  }

  async onAgentResponse(response: AgentResponse, context: AgentCallbackContext): Promise<void> {
    const { text, usage, finishReason, omittedTurnCount } = response;
    const event = this.#event({
      event_type: 'final',
      response_text: text,
      usage: toUsageDetails(usage),
      ...(response.cost && { cost: response.cost }),
      finish_reason: finishReason,
      ...(omittedTurnCount !== undefined && { omitted_turn_count: omittedTurnCount }),
    });
    const tokens = usage && {
      input: usage.inputTokenCount,
      output: usage.outputTokenCount,
      total: usage.totalTokenCount,
    };
    const isStored = await this.#recorderOf(context).end({
      ...event,
      ...(tokens && { tokens }),
      ...(response.cost && { cost: response.cost }),
    });
    if (isStored) context.log.info(`${where(context)} final response recorded`);
  }

  onAgentSuspended(context: AgentCallbackContext): Promise<void> {
    return this.#recorderOf(context).suspend();
  }

  async onAgentError(error: AgentError, context: AgentCallbackContext): Promise<void> {
    const { code, message, omittedTurnCount } = error;
    const event = this.#event({
      event_type: 'failed',
      error_code: code,
      error_message: message,
      ...(omittedTurnCount !== undefined && { omitted_turn_count: omittedTurnCount }),
    });
    const isStored = await this.#recorderOf(context).end(event);
    if (isStored) context.log.warn(`${where(context)} failure recorded: ${code}`);
  }

  #recorderOf(context: AgentCallbackContext): RunRecorder {
    const known = this.#recorders.get(context);
    if (known !== undefined) return known;
    const { agentName, threadId, correlationId, requestMessage, requestedAt, log } = context;
    const recorder = new RunRecorder({
      ...this.#options,
      log,
      thread: { agentName, threadId },
      run: { correlationId, requestMessage, acceptedAt: requestedAt },
      startedAt: this.#now().toISOString(),
      continues: context.isResumed ?? false,
    });
    this.#recorders.set(context, recorder);
    return recorder;
  }

  #event(fields: CallbackEventFields): NewEvent {
    return {
      timestamp: this.#now().toISOString(),
      eventType: fields.event_type,
      fields: JSON.stringify(fields).slice(1, -1),
    };
  }

  #describe(update: AgentResponseUpdate): string {
    switch (update.kind) {
      case 'tool_call':
        return `calls ${update.toolName}: ${this.#preview(JSON.stringify(update.arguments))}`;
      case 'tool_result': {
        const how = update.isError ? 'failed' : 'returned';
        return `${update.toolName} ${how} after ${update.durationMs} ms: ${this.#preview(JSON.stringify(update.result))}`;
      }
      case 'approval':
        return `approval of ${update.toolName} ${update.state}: ${this.#preview(JSON.stringify(update.arguments))}`;
      default:
        return `streaming chunk: ${this.#preview(update.text)}`;
    }
  }

  /** Returns the text on one line. */
  #preview(text: string): string {
    const { previewChars } = this.#options.log;
    if (previewChars === 0) return `(${text.length} characters)`;
    return text
      .slice(0, previewChars)
      .toWellFormed()
      .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
  }
}

function where({ agentName, correlationId }: AgentCallbackContext): string {
  return `[${agentName}][${correlationId}]`;
}
