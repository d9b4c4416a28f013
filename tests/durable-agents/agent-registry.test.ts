import { describe, expect, it } from 'vitest';
import { AgentRegistry } from '../../src/durable-agents/agent-registry.js';
import type { Agent } from '../../src/durable-agents/agent.js';

const registered = (name: string) => {
  const agent: Agent = { name, type: 'ChatAgent', run: () => ReadableStream.from([]) };
  return { agent, httpEndpointEnabled: true };
};

describe('the agents of an app', () => {
  it('are found in any case, and returned in their registered spelling', () => {
    const agents = new AgentRegistry();
    agents.add(registered('CallbackAgent'));

    expect(agents.find('callbackAGENT')?.agent.name).toBe('CallbackAgent');
    expect(agents.find('Callback')).toBeUndefined();
    expect(agents.find('constructor')).toBeUndefined();
  });

  it('are listed in registration order', () => {
    const agents = new AgentRegistry();
    for (const name of ['b', 'A', 'c']) agents.add(registered(name));

    expect(agents.list().map(({ agent }) => agent.name)).toEqual(['b', 'A', 'c']);
  });

  it('have unique names, ignoring case', () => {
    const agents = new AgentRegistry();
    agents.add(registered('CallbackAgent'));

    expect(() => agents.add(registered('callbackagent'))).toThrow('"callbackagent" is already registered');
    expect(agents.list()).toHaveLength(1);
  });

  it.each(['A', 'a1', 'My_Agent-2', 'x'.repeat(64)])('may be called "%s"', (name) => {
    expect(() => new AgentRegistry().add(registered(name))).not.toThrow();
  });

  it.each(['', '1a', '-a', '_a', 'a b', 'a.b', 'a/b', 'ä', 'a\n', 'x'.repeat(65)])('cannot be called "%s"', (name) => {
    expect(() => new AgentRegistry().add(registered(name))).toThrow(TypeError);
  });
});
