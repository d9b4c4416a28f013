import type {
  AgentApprovalUpdate,
  AgentFinish,
  AgentResponse,
  AgentResponseUpdate,
  AgentStreamPart,
  AgentTextUpdate,
} from './agent.js';
import { AgentError } from './errors.js';
import { deepFreeze } from './deep-freeze.js';
import { SurrogateJoiner } from './surrogate-joiner.js';
import { answerText, type ThreadContent, type ThreadMessage } from './thread/thread-state.js';
import { cutJson, toPlainJson } from './tools/plain-json.js';
import { toFunctionCall } from './tools/call-tool.js';

const NOTHING: readonly AgentResponseUpdate[] = [];

/** A content under construction, because text arrives in pieces. */
type ContentDraft = { kind: AgentTextUpdate['kind']; texts: string[] } | { kind: 'whole'; content: ThreadContent };

interface MessageDraft {
  readonly role: 'assistant' | 'tool';
  readonly contents: ContentDraft[];
}

/** Assembles a run's messages from the parts of a stream, and returns the updates to show. */
export class ResponseCollector {
  readonly #joiner = new SurrogateJoiner();
  readonly #messages: MessageDraft[] = [];
  #lastKind: AgentTextUpdate['kind'] | undefined;
  #round = 1;
  #finish: AgentFinish | undefined;
  #isSuspended = false;

  /** Whether the stream has ended because the run waits. There is no response then. */
  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  /** Whether a reader has seen an update. If so, the agent must not start over. */
  get hasVisibleUpdates(): boolean {
    return this.#messages.length > 0;
  }

  /** Adds a part. @returns the updates to show, usually one */
  push(part: AgentStreamPart): readonly AgentResponseUpdate[] {
    if (part.kind === this.#lastKind) return this.#text(part.kind, this.#joiner.push(part.text));
    const ended = this.#endOfText();
    const visible = this.#start(part);
    return ended.length === 0 ? visible : [...ended, ...visible];
  }

  /**
   * Returns the whole response. Call it after the end of the stream.
   *
   * @throws AgentError `incomplete_response` if the stream ended without a finish reason: it was cut
   */
  response(agentName: string, createdAt: Date): AgentResponse {
    if (this.#finish === undefined) {
      throw new AgentError('incomplete_response', 'The model stopped before its answer was complete.');
    }
    if (this.#messages.at(-1)?.role !== 'assistant') {
      this.#messages.push({ role: 'assistant', contents: [{ kind: 'text', texts: [''] }] });
    }
    const contents = this.#messages.map((message) => message.contents.map(toContent));
    const messages = this.#messages.map(({ role }, index): ThreadMessage => ({
      role,
      contents: role === 'tool' ? inOrderOfCalls(contents[index]!, contents[index - 1]) : contents[index]!,
      createdAt: createdAt.toISOString(),
      authorName: agentName,
    }));
    return {
      text: answerText(messages),
      messages,
      finishReason: this.#finish.finishReason,
      ...(this.#finish.usage && { usage: this.#finish.usage }),
    };
  }

  /** Adds a part of another kind than the one before. */
  #start(part: AgentStreamPart): readonly AgentResponseUpdate[] {
    switch (part.kind) {
      case 'finish':
        this.#finish = part;
        return NOTHING;
      case 'tool_call': {
        const { callId, toolName } = part;
        const args = part.arguments;
        this.#contents('assistant').push({ kind: 'whole', content: toFunctionCall(part) });
        return [this.#update({ kind: 'tool_call', text: '', callId, toolName, arguments: args })];
      }
      case 'tool_result': {
        const { callId, toolName, isError, durationMs } = part;
        const result = cutJson(toPlainJson(part.result));
        this.#contents('tool').push({ kind: 'whole', content: { $type: 'functionResult', callId, result } });
        return [this.#update({ kind: 'tool_result', text: '', callId, toolName, result, isError, durationMs })];
      }
      case 'approval':
        if (part.argumentsEdited === true) this.#editCall(part);
        return [this.#update(part)];
      case 'suspension':
        this.#isSuspended = true;
        return NOTHING;
      case 'resumption':
        return NOTHING;
      default:
        this.#lastKind = part.kind;
        return this.#text(part.kind, this.#joiner.push(part.text));
    }
  }

  #endOfText(): readonly AgentResponseUpdate[] {
    if (this.#lastKind === undefined) return NOTHING;
    const visible = this.#text(this.#lastKind, this.#joiner.end());
    this.#lastKind = undefined;
    return visible;
  }

  #text(kind: AgentTextUpdate['kind'], text: string): readonly AgentResponseUpdate[] {
    if (text === '') return NOTHING;
    const contents = this.#contents('assistant');
    const last = contents.at(-1);
    if (last?.kind === kind) last.texts.push(text);
    else contents.push({ kind, texts: [text] });
    return [Object.freeze({ kind, text, ...this.#rounds() })];
  }

  /** Stores the edited arguments of a call, marked as edited. */
  #editCall({ callId, arguments: args }: AgentApprovalUpdate): void {
    const drafts = this.#messages.flatMap(({ contents }) => contents);
    const draft = drafts.findLast((one) => one.kind === 'whole' && one.content['callId'] === callId);
    if (draft?.kind !== 'whole') return;
    draft.content = { ...draft.content, arguments: args, argumentsEdited: true };
  }

  /** Returns the contents of the last message if it has this role, or of a new message. */
  #contents(role: MessageDraft['role']): ContentDraft[] {
    const last = this.#messages.at(-1);
    if (last?.role === role) return last.contents;
    if (last?.role === 'tool') this.#round += 1;
    const contents: ContentDraft[] = [];
    this.#messages.push({ role, contents });
    return contents;
  }

  /** Returns a frozen update, because several callbacks may share it. */
  #update(update: AgentResponseUpdate): AgentResponseUpdate {
    return deepFreeze({ ...update, ...this.#rounds() });
  }

  #rounds(): Pick<AgentResponseUpdate, 'round'> | undefined {
    return this.#round === 1 ? undefined : { round: this.#round };
  }
}

function toContent(draft: ContentDraft): ThreadContent {
  return draft.kind === 'whole' ? draft.content : { $type: draft.kind, text: draft.texts.join('') };
}

/** Sorts results by the order of their calls. They arrive out of order if some calls wait for approval. */
function inOrderOfCalls(results: readonly ThreadContent[], calls: readonly ThreadContent[] = []): ThreadContent[] {
  const positions = new Map(calls.map((call, position) => [call['callId'], position]));
  const positionOf = (result: ThreadContent): number => positions.get(result['callId']) ?? calls.length;
  return results.toSorted((one, other) => positionOf(one) - positionOf(other));
}
