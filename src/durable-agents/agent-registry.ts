import type { Agent } from './agent.js';

const AGENT_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** A registered agent. */
export interface RegisteredAgent {
  readonly agent: Agent;
  readonly httpEndpointEnabled: boolean;
}

/** The agents of an app. Ignores the case of names, as the host's router and entities do. */
export class AgentRegistry {
  readonly #agents = new Map<string, RegisteredAgent>();

  /** @throws TypeError if the name cannot be part of a route or is taken */
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
