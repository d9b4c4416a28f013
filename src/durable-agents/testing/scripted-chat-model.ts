import type { ChatModel, ModelPart, ModelRequest } from '../tools/chat-model.js';

/** What one call of the model does, step by step: yield a part, throw an error, or call a function and wait for it. */
export type ScriptedAnswer = readonly (ModelPart | Error | ((request: ModelRequest) => unknown))[];

/** A model for tests: it gives one scripted answer after the other, and remembers what it was asked. */
export class ScriptedChatModel implements ChatModel {
  /** What it was asked, oldest first. */
  readonly requests: ModelRequest[] = [];
  readonly #answers: readonly ScriptedAnswer[];

  constructor(...answers: readonly ScriptedAnswer[]) {
    this.#answers = answers;
  }

  async *ask(request: ModelRequest): AsyncGenerator<ModelPart> {
    const answer = this.#answers[this.requests.length];
    // A copy: the agent goes on with its conversation.
    this.requests.push({ ...request, messages: [...request.messages] });
    if (answer === undefined) throw new Error(`No answer was scripted for call ${this.requests.length} of the model.`);
    for (const step of answer) {
      if (step instanceof Error) throw step;
      if (typeof step === 'function') await step(request);
      else yield step;
    }
  }
}
