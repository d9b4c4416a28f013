import type {
  AgentCallbackContext,
  AgentError,
  AgentResponse,
  AgentResponseCallback,
  AgentResponseUpdate,
  Logger,
} from '../durable-agents/index.js';
import { type EventOfRun, type TimesOfRun, toUsageDetails } from './callback-event.js';
import type { CallbackEventStore } from './callback-event-store.js';

export interface ConversationAuditTrailOptions {
  readonly store: CallbackEventStore;
  readonly log: Logger;
  /** How much of an update's text is logged, in characters; 0 logs only its length. */
  readonly previewChars: number;
  readonly now?: () => Date;
}

/** Logs each update and the outcome of each run, and keeps them as events in a store. */
export class ConversationAuditTrail implements AgentResponseCallback {
  readonly #store: CallbackEventStore;
  readonly #log: Logger;
  readonly #previewChars: number;
  readonly #now: () => Date;

  constructor({ store, log, previewChars, now = () => new Date() }: ConversationAuditTrailOptions) {
    this.#store = store;
    this.#log = log;
    this.#previewChars = previewChars;
    this.#now = now;
  }

  async onStreamingResponseUpdate({ kind, text }: AgentResponseUpdate, context: AgentCallbackContext): Promise<void> {
    this.#log.info(`${where(context)} streaming chunk: ${this.#preview(text)}`);
    await this.#store.append(this.#event(context, { event_type: 'stream', update_kind: kind, text }));
  }

  async onAgentResponse(response: AgentResponse, context: AgentCallbackContext): Promise<void> {
    await this.#store.append(
      this.#event(context, {
        event_type: 'final',
        response_text: response.text,
        usage: toUsageDetails(response.usage),
        finish_reason: response.finishReason,
      }),
    );
    this.#log.info(`${where(context)} final response recorded`);
  }

  async onAgentError(error: AgentError, context: AgentCallbackContext): Promise<void> {
    await this.#store.append(
      this.#event(context, { event_type: 'failed', error_code: error.code, error_message: error.message }),
    );
    this.#log.warn(`${where(context)} failure recorded: ${error.code}`);
  }

  #event<Outcome extends object>(context: AgentCallbackContext, outcome: Outcome): EventOfRun & Outcome & TimesOfRun {
    const about: EventOfRun = {
      timestamp: this.#now().toISOString(),
      agent_name: context.agentName,
      thread_id: context.threadId,
      correlation_id: context.correlationId,
      request_message: context.requestMessage,
    };
    // Made by a spread instead, the event would take V8 four times as long to turn into JSON.
    return Object.assign(about, outcome, { run_started_at: context.requestedAt });
  }

  /** On one line, whatever the model wrote. */
  #preview(text: string): string {
    if (this.#previewChars === 0) return `(${text.length} characters)`;
    return text
      .slice(0, this.#previewChars)
      .toWellFormed()
      .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
  }
}

function where({ agentName, correlationId }: AgentCallbackContext): string {
  return `[${agentName}][${correlationId}]`;
}
