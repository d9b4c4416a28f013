import type { AgentResponse, AgentResponseUpdate } from '../agent.js';
import { deepFreeze } from '../deep-freeze.js';
import type { AgentError } from '../errors.js';
import { errorText } from '../../functions/error-text.js';
import type { Logger } from '../../functions/logger.js';
import type { Redaction } from './redaction.js';
import { StreamRedactor } from './stream-redactor.js';

type TextUpdate = Extract<AgentResponseUpdate, { kind: 'text' | 'reasoning' }>;
type ToolUpdate = Exclude<AgentResponseUpdate, TextUpdate>;

const NOTHING: readonly AgentResponseUpdate[] = [];

function isTool(update: AgentResponseUpdate): update is ToolUpdate {
  return update.kind !== 'text' && update.kind !== 'reasoning';
}

/**
 * Redacts the data that one delivery of a run passes to callbacks and traces. Conversation and model get the originals.
 */
export class RunRedaction {
  readonly #redaction: Redaction;
  readonly #stream: StreamRedactor;
  /** The last update of text that may be held back. */
  #last: TextUpdate | undefined;
  /** The released part of the answer: the texts since the last update that is neither text nor reasoning. */
  #text = '';

  constructor(redaction: Redaction) {
    this.#redaction = redaction;
    this.#stream = new StreamRedactor(redaction);
  }

  text(text: string): string {
    return this.#redaction.text(text);
  }

  /** Returns the updates to show instead of this one: none while all of its text is held back. */
  push(update: AgentResponseUpdate): readonly AgentResponseUpdate[] {
    const ended = update.kind === this.#last?.kind ? NOTHING : this.end();
    if (isTool(update)) {
      this.#last = undefined;
      this.#text = '';
      return [...ended, this.#tool(update)];
    }
    const visible = this.#visible(update, this.#stream.push(update.text));
    this.#last = update;
    return ended.length === 0 ? visible : [...ended, ...visible];
  }

  /** Returns the remaining held-back text. */
  end(): readonly AgentResponseUpdate[] {
    return this.#last === undefined ? NOTHING : this.#visible(this.#last, this.#stream.end());
  }

  /** Returns the redacted answer, with the text of the updates. Call {@link end} first. */
  response(response: AgentResponse): AgentResponse {
    return { ...response, text: this.#text, messages: this.#redaction.json(response.messages) };
  }

  error(error: AgentError): AgentError {
    const { message, cause } = error;
    return error.with({
      message: this.text(message),
      ...(cause !== undefined && { cause: new Error(this.text(errorText(cause))) }),
    });
  }

  #tool(update: ToolUpdate): AgentResponseUpdate {
    switch (update.kind) {
      case 'tool_call':
        return deepFreeze({ ...update, arguments: this.#redaction.json(update.arguments) });
      case 'tool_result':
        return deepFreeze({ ...update, result: this.#redaction.json(update.result) });
      case 'approval': {
        const { arguments: args, reason } = update;
        const shown = { ...update, arguments: this.#redaction.json(args) };
        return deepFreeze(reason === undefined ? shown : { ...shown, reason: this.text(reason) });
      }
    }
  }

  #visible(update: TextUpdate, text: string): readonly AgentResponseUpdate[] {
    if (text === '') return NOTHING;
    if (update.kind === 'text') this.#text += text;
    // Frozen, as several callbacks may share it.
    return [Object.freeze({ ...update, text })];
  }
}

/** Returns a log that redacts its lines. */
export function redactedLog(log: Logger, redaction: Redaction): Logger {
  return {
    info: (message) => log.info(redaction.text(message)),
    warn: (message) => log.warn(redaction.text(message)),
    error: (message) => log.error(redaction.text(message)),
  };
}
