import type { AgentFinish, AgentResponse, AgentResponseUpdate, AgentStreamPart, AgentUpdateKind } from './agent.js';
import { AgentError } from './errors.js';
import { SurrogateJoiner } from './surrogate-joiner.js';
import { joinedText, type ThreadContent, type ThreadMessage } from './thread/thread-state.js';

/** Puts an answer together from the parts of a stream, and says which updates a reader sees. */
export class ResponseCollector {
  readonly #joiner = new SurrogateJoiner();
  readonly #contents: { kind: AgentUpdateKind; texts: string[] }[] = [];
  #lastKind: AgentUpdateKind | undefined;
  #finish: AgentFinish | undefined;

  /** True once an update was given out: from then on the run can't be started again behind the reader's back. */
  get hasVisibleUpdates(): boolean {
    return this.#contents.length > 0;
  }

  /** The updates that this part makes visible, usually one. */
  push(part: AgentStreamPart): AgentResponseUpdate[] {
    if (part.kind === 'finish') {
      this.#finish = part;
      return this.#endOfKind();
    }
    const ended = this.#lastKind === part.kind ? [] : this.#endOfKind();
    this.#lastKind = part.kind;
    return [...ended, ...this.#visible(part.kind, this.#joiner.push(part.text))];
  }

  /**
   * The whole answer, once the stream has ended.
   *
   * @throws AgentError `incomplete_response` when it ended without saying why, which is how a cut looks
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

  #endOfKind(): AgentResponseUpdate[] {
    return this.#lastKind === undefined ? [] : this.#visible(this.#lastKind, this.#joiner.end());
  }

  #visible(kind: AgentUpdateKind, text: string): AgentResponseUpdate[] {
    if (text === '') return [];
    const last = this.#contents.at(-1);
    if (last?.kind === kind) last.texts.push(text);
    else this.#contents.push({ kind, texts: [text] });
    return [{ kind, text }];
  }
}
