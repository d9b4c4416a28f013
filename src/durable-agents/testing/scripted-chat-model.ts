import type { ChatModel, ModelPart, ModelRequest } from '../tools/chat-model.js';

/**
 * The answer to one call of the model: a text, or steps. Each step yields a part, throws an error, or calls a function
 * and awaits it. Steps must end with a `finish` part; otherwise the answer counts as cut.
 */
export type ScriptedAnswer = string | readonly (ModelPart | Error | ((request: ModelRequest) => unknown))[];

/** A model for tests that returns scripted answers in order, and records its requests. */
export class ScriptedChatModel implements ChatModel {
  /** The requests so far, oldest first. */
  readonly requests: ModelRequest[] = [];
  readonly #answers: readonly ScriptedAnswer[];

  constructor(...answers: readonly ScriptedAnswer[]) {
    this.#answers = answers;
  }

  async *ask(request: ModelRequest): AsyncGenerator<ModelPart> {
    const answer = this.#answers[this.requests.length];
    // Copied, because the agent extends its conversation.
    this.requests.push({ ...request, messages: [...request.messages] });
    if (answer === undefined) throw new Error(`No answer was scripted for call ${this.requests.length} of the model.`);
    if (typeof answer === 'string') {
      yield { kind: 'text', text: answer };
      yield { kind: 'finish', finishReason: 'stop' };
      return;
    }
    for (const step of answer) {
      if (step instanceof Error) throw step;
      if (typeof step === 'function') await step(request);
      else yield step;
    }
  }
}
