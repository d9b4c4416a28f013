import { HttpRequest, InvocationContext } from '@azure/functions';
import { AgentRegistry } from '../../src/durable-agents/agent-registry.js';
import type { Authorize } from '../../src/durable-agents/access/authorize.js';
import { ThreadAccess } from '../../src/durable-agents/access/thread-access.js';
import { ThreadIndex } from '../../src/durable-agents/threads/thread-index.js';
import { MemoryKeyValueStore } from '../../src/storage/memory/memory-key-value-store.js';
import { text } from './agent-parts.js';
import { ScriptedAgent } from './scripted-agent.js';

/** An app with one agent, `CallbackAgent`. */
export function createAgents(): AgentRegistry {
  const agents = new AgentRegistry();
  const agent = Object.assign(new ScriptedAgent([text('Hello')]), { name: 'CallbackAgent' });
  agents.add({ agent, httpEndpointEnabled: true });
  return agents;
}

/** Access to the threads of `CallbackAgent`. */
export function createAccess({
  authorize,
  threadIndex = new ThreadIndex(new MemoryKeyValueStore()),
}: { readonly authorize?: Authorize; readonly threadIndex?: ThreadIndex } = {}): ThreadAccess {
  return new ThreadAccess({ agents: createAgents(), threadIndex, authorize });
}

export interface CallbackRequestParts {
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The `params` from the host. Defaults to those of the route. */
  readonly params?: Readonly<Record<string, string>>;
}

/** A request for the events of `thread-1`, as a function gets it from the host. */
export function callbackRequest({ query = '', headers = {}, params }: CallbackRequestParts = {}): HttpRequest {
  return new HttpRequest({
    method: 'GET',
    url: `http://localhost:7071/api/agents/CallbackAgent/callbacks/thread-1${query}`,
    headers: { host: 'localhost:7071', ...headers },
    params: { ...(params ?? { agentName: 'CallbackAgent', thread_id: 'thread-1' }) },
  });
}

export function callbackInvocation(): InvocationContext {
  return new InvocationContext({ functionName: 'stream_callback_events', logHandler: () => undefined });
}
