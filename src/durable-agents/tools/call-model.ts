import type { AgentFinish, AgentTextUpdate } from '../agent.js';
import { AgentError } from '../errors.js';
import type { ChatModel, ModelRequest, ModelToolCall } from './chat-model.js';

const HALF_PAIR = /^[\uD800-\uDBFF]$/;

/** A whole answer of a model. */
export interface ModelAnswer {
  /** Answer text and reasoning, in order. Adjacent texts differ in kind. */
  readonly texts: readonly AgentTextUpdate[];
  readonly calls: readonly ModelToolCall[];
  readonly finish: AgentFinish;
}

/**
 * Calls a model. Retries once if the error allows it and no text was passed on. Tool calls are passed on only when the
 * answer is complete.
 *
 * @returns yields the texts as they arrive, and returns the whole answer
 * @throws AgentError `incomplete_response` if the stream ends without a finish; otherwise the model's error
 */
export async function* callModel(
  model: ChatModel,
  request: Omit<ModelRequest, 'streaming'>,
): AsyncGenerator<AgentTextUpdate, ModelAnswer> {
  let streaming = true;
  for (let isRetry = false; ; isRetry = true) {
    const answer = new AnswerBuilder();
    try {
      for await (const part of model.ask({ ...request, streaming })) {
        if (part.kind === 'finish') answer.finish = part;
        else if (part.kind === 'tool_call') answer.calls.push(part);
        else yield* answer.addText(part);
      }
      return answer.build();
    } catch (error) {
      const { recovery } = AgentError.from(error);
      if (recovery === undefined || isRetry || answer.isSeen || request.signal.aborted) throw error;
      streaming = recovery === 'retry';
    }
  }
}

class AnswerBuilder {
  readonly calls: ModelToolCall[] = [];
  finish: AgentFinish | undefined;
  readonly #texts: { kind: AgentTextUpdate['kind']; pieces: string[] }[] = [];
  /** Half a surrogate pair, held back until the other half arrives. */
  #held: AgentTextUpdate[] = [];
  #isSeen = false;

  get isSeen(): boolean {
    return this.#isSeen;
  }

  addText(part: AgentTextUpdate): readonly AgentTextUpdate[] {
    const last = this.#texts.at(-1);
    if (last?.kind === part.kind) last.pieces.push(part.text);
    else this.#texts.push({ kind: part.kind, pieces: [part.text] });
    if (this.#isSeen) return [part];
    this.#held.push(part);
    if (part.text === '' || HALF_PAIR.test(part.text)) return [];
    this.#isSeen = true;
    return this.#held;
  }

  build(): ModelAnswer {
    if (this.finish === undefined) {
      throw new AgentError('incomplete_response', 'The model stopped before its answer was complete.', {
        recovery: 'retry',
      });
    }
    const texts = this.#texts.map(({ kind, pieces }) => ({ kind, text: pieces.join('').toWellFormed() }));
    return { texts, calls: this.calls, finish: this.finish };
  }
}
