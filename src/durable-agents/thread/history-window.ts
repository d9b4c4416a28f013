import { replayableEntries, replayableMessages, type ThreadEntry, type ThreadMessage } from './thread-state.js';
import { turnsOf } from './turns.js';

/** Counts the tokens of a message, as the model would. */
export type TokenCounter = (message: ThreadMessage) => number;

/** Limits of the conversation that the model gets. */
export interface HistoryLimits {
  /** Maximum tokens of the request and its history. @default no limit */
  readonly maxTokens?: number | undefined;
  /** Maximum number of turns, including the request. @default 200 */
  readonly maxTurns?: number | undefined;
  /** @default the number of characters divided by 4; see {@link estimateTokens} */
  readonly countTokens?: TokenCounter | undefined;
}

const DEFAULT_MAX_TURNS = 200;
const CHARACTERS_PER_TOKEN = 4;

interface Turn {
  readonly messages: readonly ThreadMessage[];
  readonly tokenCount: number;
}

/** The part of a conversation that the model gets: the request, and the newest whole turns that fit. */
export class HistoryWindow {
  /** Number of the thread's turns that the model does not get, without failed turns, which it never gets. */
  readonly omittedTurnCount: number;
  readonly #turns: readonly Turn[];
  readonly #request: readonly ThreadMessage[];

  private constructor(turns: readonly Turn[], request: readonly ThreadMessage[], omittedTurnCount: number) {
    this.#turns = turns;
    this.#request = request;
    this.omittedTurnCount = omittedTurnCount;
  }

  /** Selects the newest turns of a history (oldest entry first) that fit together with the request. */
  static select(
    history: readonly ThreadEntry[],
    request: readonly ThreadMessage[],
    { maxTokens = Infinity, maxTurns = DEFAULT_MAX_TURNS, countTokens = estimateTokens }: HistoryLimits = {},
  ): HistoryWindow {
    const toTurn = (messages: readonly ThreadMessage[]): Turn => ({
      messages,
      tokenCount: messages.reduce((sum, message) => sum + countTokens(message), 0),
    });
    const turns = turnsOf(replayableEntries(history));
    // Counts the tokens of at most `maxTurns` turns, not of older ones.
    const candidates = maxTurns === 1 ? [] : turns.slice(1 - maxTurns).map((turn) => toTurn(replayableMessages(turn)));
    const fitting = newestWithin(candidates, maxTokens - toTurn(request).tokenCount);
    return new HistoryWindow(fitting, request, turns.length - fitting.length);
  }

  /** The messages for the model, oldest first. The request comes last. */
  get messages(): ThreadMessage[] {
    return [...this.#turns.flatMap(({ messages }) => messages), ...this.#request];
  }

  /** Returns the newest turns with half of the tokens. Undefined if there is only the request. */
  half(): HistoryWindow | undefined {
    if (this.#turns.length === 0) return undefined;
    const tokenCount = this.#turns.reduce((sum, turn) => sum + turn.tokenCount, 0);
    const newest = newestWithin(this.#turns.slice(1), tokenCount / 2);
    return new HistoryWindow(newest, this.#request, this.omittedTurnCount + this.#turns.length - newest.length);
  }
}

/** Estimates the tokens of a message: its characters divided by 4, including tool calls and their results. */
export function estimateTokens({ contents }: ThreadMessage): number {
  const characters = contents.map((content) =>
    content.$type === 'text' ? content.text.length : JSON.stringify(content).length,
  );
  return Math.ceil(characters.reduce((sum, count) => sum + count, 0) / CHARACTERS_PER_TOKEN);
}

function newestWithin(turns: readonly Turn[], maxTokens: number): readonly Turn[] {
  let tokenCount = 0;
  const tooOld = turns.findLastIndex((turn) => (tokenCount += turn.tokenCount) > maxTokens);
  return turns.slice(tooOld + 1);
}
