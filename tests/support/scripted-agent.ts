import type { Agent, AgentRunOptions, AgentStreamPart } from '../../src/durable-agents/agent.js';
import type { ThreadMessage } from '../../src/durable-agents/thread/thread-state.js';

/** The steps of one agent call: yield a part, throw an error, or call a function and await it. */
export type Attempt = readonly (AgentStreamPart | Error | ((options: AgentRunOptions) => unknown))[];

export interface AgentCall extends AgentRunOptions {
  readonly messages: readonly ThreadMessage[];
}

/** An agent that plays one script per call, and records its requests. */
export class ScriptedAgent implements Agent {
  readonly name = 'ScriptedAgent';
  readonly type = 'ChatAgent';
  readonly calls: AgentCall[] = [];
  readonly #attempts: readonly Attempt[];

  constructor(...attempts: readonly Attempt[]) {
    this.#attempts = attempts;
  }

  run(messages: readonly ThreadMessage[], options: AgentRunOptions): AsyncIterable<AgentStreamPart> {
    const attempt = this.#attempts[this.calls.length];
    this.calls.push({ messages, ...options });
    if (attempt === undefined) throw new Error(`No attempt was scripted for call ${this.calls.length}`);
    return play(attempt, options);
  }
}

async function* play(steps: Attempt, options: AgentRunOptions): AsyncGenerator<AgentStreamPart> {
  for (const step of steps) {
    if (step instanceof Error) throw step;
    if (typeof step === 'function') await step(options);
    else yield step;
  }
}
