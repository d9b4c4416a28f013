import type { Agent } from './agent.js';

const AGENT_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** An agent, and how it can be reached. */
export interface RegisteredAgent {
  readonly agent: Agent;
  readonly httpEndpointEnabled: boolean;
}

/** The agents of an app, found by name without regard to case, as the host's router and entities compare them. */
export class AgentRegistry {
  readonly #agents = new Map<string, RegisteredAgent>();

  /** @throws TypeError for a name that can't be part of a route, or that is taken */
  add(registered: RegisteredAgent): void {
    const { name } = registered.agent;
    if (!AGENT_NAME.test(name)) {
      throw new TypeError(
        `Invalid agent name "${name}": expected a letter, then at most 63 letters, digits, "_" or "-".`,
      );
    }
    if (this.find(name) !== undefined) {
      throw new TypeError(`An agent with the name "${name}" is already registered (case makes no difference).`);
    }
    this.#agents.set(name.toLowerCase(), registered);
  }

  find(name: string): RegisteredAgent | undefined {
    return this.#agents.get(name.toLowerCase());
  }

  /** All agents, in the order of their registration. */
  list(): readonly RegisteredAgent[] {
    return [...this.#agents.values()];
  }
}
