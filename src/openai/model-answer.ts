import {
  AgentError,
  type AgentFinish,
  type AgentFinishReason,
  type AgentTextUpdate,
  type ModelToolCall,
} from '../durable-agents/index.js';
import { cleanForeignText } from '../functions/foreign-text.js';
import { isRecord } from './is-record.js';
import { contentFilterError, filteredCategories } from './model-failure.js';
import { readUsage } from './model-usage.js';
import { ToolCallAssembly } from './tool-call-assembly.js';

/** Finish reasons in lower case, including the names that models behind gateways use. */
const FINISH_REASONS: ReadonlyMap<string, AgentFinishReason | 'filtered'> = new Map([
  ['stop', 'stop'],
  ['end_turn', 'stop'],
  ['eos', 'stop'],
  ['eos_token', 'stop'],
  ['complete', 'stop'],
  ['stop_sequence', 'stop'],
  ['tool_calls', 'stop'],
  ['tool_use', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['max_output_tokens', 'length'],
  ['max_completion_tokens', 'length'],
  ['model_length', 'length'],
  ['content_filter', 'filtered'],
  ['content_filtered', 'filtered'],
  ['guardrail_intervened', 'filtered'],
  ['safety', 'filtered'],
  ['prohibited_content', 'filtered'],
  ['recitation', 'filtered'],
  ['sensitive', 'filtered'],
  ['refusal', 'filtered'],
]);

/** Tool calls and finish reason of a complete answer. */
export interface EndOfAnswer {
  readonly calls: readonly ModelToolCall[];
  readonly finish: AgentFinish;
}

/**
 * Assembles an answer from chunks, or from a whole completion. Checks chunks by hand, because a schema would cost more
 * than the rest of an update.
 */
export class ModelAnswer {
  readonly #maxBytes: number;
  readonly #redact: (text: string) => string;
  #parts: AgentTextUpdate[] = [];
  #bytes = 0;
  readonly #toolCalls = new ToolCallAssembly();
  #finishReason: string | undefined;
  #usage: AgentFinish['usage'];
  readonly #filtered = new Set<string>();
  #id: string | undefined;
  #model: string | undefined;
  #hasChunks = false;
  #hasText = false;

  /**
   * @param maxBytes - maximum size of the answer, in bytes of UTF-8, including reasoning
   * @param redact - removes secrets from a finish reason that an error message quotes
   */
  constructor(maxBytes: number, redact: (text: string) => string) {
    this.#maxBytes = maxBytes;
    this.#redact = redact;
  }

  /** Whether the model has sent anything of its answer. */
  get hasBegun(): boolean {
    return this.#bytes > 0;
  }

  /** Whether the finish reason has arrived. Only usage and the verdict of a delayed filter can follow. */
  get isFinishing(): boolean {
    return this.#finishReason !== undefined;
  }

  /** The provider's id of the answer. `undefined` until it arrives. */
  get id(): string | undefined {
    return this.#id;
  }

  /** The provider's name of the model. `undefined` until it arrives. */
  get model(): string | undefined {
    return this.#model;
  }

  /** Returns the visible parts that have arrived since the last call. */
  takeParts(): readonly AgentTextUpdate[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  /**
   * Adds one chunk of a stream, or a whole completion.
   *
   * @throws AgentError for an unreadable chunk, and for an answer that is too long
   */
  add(chunk: Readonly<Record<string, unknown>>): void {
    this.#hasChunks = true;
    const { choices, id, model } = chunk;
    // Azure's first chunk contains only filter results, with an empty id.
    if (typeof id === 'string' && id !== '') this.#id ??= id;
    if (typeof model === 'string' && model !== '') this.#model ??= model;
    this.#addUsage(chunk['usage']);
    this.#addFiltered(chunk['prompt_filter_results']);
    if (choices === undefined || choices === null) return;
    if (!Array.isArray(choices)) throw malformed('choices are not a list');
    for (const choice of choices as readonly unknown[]) {
      if (!isRecord(choice)) throw malformed('a choice is not an object');
      // Only the first choice counts. Others are alternative answers. Some endpoints omit the index, or send it as text.
      if (!(Number(choice['index']) > 0)) this.#addChoice(choice);
    }
  }

  /**
   * Returns the tool calls and the finish reason. Call it at the end of the answer.
   *
   * @throws AgentError if the model withheld the answer, or if the finish reason is missing because the answer was cut
   */
  finish(): EndOfAnswer {
    if (this.#finishReason === undefined) {
      throw this.#hasChunks
        ? new AgentError('incomplete_response', 'The model stopped before its answer was complete.', {
            recovery: 'retry',
          })
        : new AgentError('empty_response', 'The model answered without any content.', { recovery: 'retry' });
    }
    const finishReason = FINISH_REASONS.get(this.#finishReason.toLowerCase());
    if (finishReason === 'filtered') throw contentFilterError([...this.#filtered]);
    if (finishReason === undefined) {
      const reason = cleanForeignText(this.#redact(this.#finishReason), 40);
      throw new AgentError('unexpected_finish_reason', `The model ended its answer with "${reason}".`);
    }
    const calls = this.#toolCalls.calls();
    if (calls.length === 0 && !this.#hasText && /^tool_/i.test(this.#finishReason)) {
      throw new AgentError('unexpected_finish_reason', 'The model announced tool calls and sent none.');
    }
    return { calls, finish: { kind: 'finish', finishReason, ...(this.#usage && { usage: this.#usage }) } };
  }

  #addChoice(choice: Readonly<Record<string, unknown>>): void {
    const visible = choice['delta'] ?? choice['message'];
    if (isRecord(visible)) this.#addVisible(visible);
    else if (visible !== undefined && visible !== null) throw malformed('a delta is not an object');
    this.#addFiltered(choice['content_filter_results']);
    this.#addUsage(choice['usage']);
    const reason = choice['finish_reason'];
    if (typeof reason !== 'string' || reason === '') return;
    // Azure's delayed filter may withdraw a complete answer.
    const isFiltered = FINISH_REASONS.get(reason.toLowerCase()) === 'filtered';
    if (this.#finishReason === undefined || isFiltered) this.#finishReason = reason;
  }

  #addFiltered(results: unknown): void {
    for (const category of filteredCategories(results)) this.#filtered.add(category);
  }

  /** The last valid usage counts: some endpoints send usage with each chunk, and nulls in between. */
  #addUsage(usage: unknown): void {
    if (usage) this.#usage = readUsage(usage) ?? this.#usage;
  }

  #addVisible(visible: Readonly<Record<string, unknown>>): void {
    // Gateways use one of these names, or several with the same text.
    const reasoning = visible['reasoning_content'] || visible['reasoning'] || visible['thinking'];
    if (typeof reasoning === 'string') this.#addText('reasoning', reasoning);
    const { content, refusal } = visible;
    if (typeof content === 'string') this.#addText('text', content);
    else if (Array.isArray(content)) for (const part of content as readonly unknown[]) this.#addContentPart(part);
    else if (isRecord(content) && typeof content['type'] === 'string') this.#addContentPart(content);
    else if (content !== undefined && content !== null) throw malformed('a content is neither text nor a list');
    if (typeof refusal === 'string') this.#addText('text', refusal);
    const calls = visible['tool_calls'];
    if (Array.isArray(calls)) for (const call of calls as readonly unknown[]) this.#count(this.#toolCalls.add(call));
  }

  /** Adds a part of a content list. Only text and thinking are visible to readers. */
  #addContentPart(part: unknown): void {
    if (!isRecord(part)) throw malformed('a part of a content is not an object');
    switch (part['type']) {
      case 'text':
      case 'output_text':
        this.#addText('text', textOf(part['text']));
        break;
      case 'refusal':
        this.#addText('text', textOf(part['refusal']));
        break;
      case 'thinking':
      case 'reasoning':
        this.#addText('reasoning', textOf(part['thinking'] ?? part['reasoning'] ?? part['text'] ?? part['summary']));
        break;
    }
  }

  #addText(kind: 'text' | 'reasoning', text: string): void {
    if (text === '') return;
    this.#count(Buffer.byteLength(text));
    this.#hasText ||= kind === 'text';
    this.#parts.push({ kind, text });
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#maxBytes) throw answerTooLarge(this.#maxBytes);
  }
}

/** Returns the text of a part: a string, an object with a text, or a list of parts. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOf).join('');
  if (isRecord(value)) return textOf(value['text'] ?? value['value']);
  return '';
}

export function answerTooLarge(maxBytes: number): AgentError {
  return new AgentError('answer_too_large', `The model's answer is longer than ${maxBytes} bytes.`);
}

/** @param problem - must not quote the model, because it is logged */
export function malformed(problem: string): AgentError {
  return new AgentError('malformed_response', 'The model sent a response that could not be read.', {
    cause: new Error(problem),
    recovery: 'retry',
  });
}
