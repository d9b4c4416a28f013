import type { AgentFinish, AgentResponse, AgentResponseUpdate, AgentStreamPart, AgentUpdateKind } from './agent.js';
import { AgentError } from './errors.js';
import { SurrogateJoiner } from './surrogate-joiner.js';
import { joinedText, type ThreadContent, type ThreadMessage } from './thread/thread-state.js';

const NOTHING: readonly AgentResponseUpdate[] = [];

/** Assembles an answer from the parts of a stream, and tells which updates they make visible. */
export class ResponseCollector {
  readonly #joiner = new SurrogateJoiner();
  readonly #contents: { kind: AgentUpdateKind; texts: string[] }[] = [];
  #lastKind: AgentUpdateKind | undefined;
  #finish: AgentFinish | undefined;

  /** True once a reader has seen an update. From then on the agent must not start over. */
  get hasVisibleUpdates(): boolean {
    return this.#contents.length > 0;
  }

  /** The updates that this part makes visible, usually one. */
  push(part: AgentStreamPart): readonly AgentResponseUpdate[] {
    if (part.kind === 'finish') {
      this.#finish = part;
      return this.#endOfKind();
    }
    if (part.kind === this.#lastKind) return this.#visible(part.kind, this.#joiner.push(part.text));
    const ended = this.#endOfKind();
    this.#lastKind = part.kind;
    const visible = this.#visible(part.kind, this.#joiner.push(part.text));
    return ended.length === 0 ? visible : [...ended, ...visible];
  }

  /**
   * The whole answer, after the end of the stream.
   *
   * @throws AgentError `incomplete_response` if the stream ended without a finish reason: it was cut
   */
  response(agentName: string, createdAt: Date): AgentResponse {
    if (this.#finish === undefined) {
      throw new AgentError('incomplete_response', 'The model stopped before its answer was complete.', {
        recovery: 'retry',
      });
    }
    const contents = this.#contents.map(({ kind, texts }): ThreadContent => ({ $type: kind, text: texts.join('') }));
    const message: ThreadMessage = {
      role: 'assistant',
      contents: contents.length > 0 ? contents : [{ $type: 'text', text: '' }],
      createdAt: createdAt.toISOString(),
      authorName: agentName,
    };
    return {
      text: joinedText([message]),
      messages: [message],
      finishReason: this.#finish.finishReason,
      ...(this.#finish.usage && { usage: this.#finish.usage }),
    };
  }

  #endOfKind(): readonly AgentResponseUpdate[] {
    return this.#lastKind === undefined ? NOTHING : this.#visible(this.#lastKind, this.#joiner.end());
  }

  #visible(kind: AgentUpdateKind, text: string): readonly AgentResponseUpdate[] {
    if (text === '') return NOTHING;
    const last = this.#contents.at(-1);
    if (last?.kind === kind) last.texts.push(text);
    else this.#contents.push({ kind, texts: [text] });
    // Frozen, as several callbacks may share it.
    return [Object.freeze({ kind, text })];
  }
}
