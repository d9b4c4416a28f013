import type { FunctionInput, HttpRequest, InvocationContext } from '@azure/functions';
import { getClient, input } from 'durable-functions';
import { HttpError } from '../../functions/http-error.js';
import { routeParameter } from '../../functions/route-parameter.js';
import type { AgentRegistry } from '../agent-registry.js';
import { ThreadStateError } from '../errors.js';
import { registeredAgentName } from '../http/registered-agent-name.js';
import { requireThreadId } from '../http/require-thread-id.js';
import type { Redaction } from '../redaction/redaction.js';
import { readThread } from '../thread/thread-entity.js';
import type { ThreadIdentity } from '../thread/thread-identity.js';
import { ownerOf } from '../thread/thread-state.js';
import type { ThreadIndex } from '../threads/thread-index.js';
import type { AccessAction, Authorize, Principal } from './authorize.js';

export interface ThreadAccessOptions {
  readonly agents: AgentRegistry;
  readonly threadIndex: ThreadIndex;
  /** Undefined: every caller may do everything. */
  readonly authorize: Authorize | undefined;
  /** Replaces secrets in the titles of threads. Optional. */
  readonly redaction?: Redaction | undefined;
}

/** An authorized request about a thread. */
export interface ThreadCaller {
  readonly thread: ThreadIdentity;
  /** Undefined if every caller may do everything. */
  readonly principal: Principal | undefined;
}

/** The known owner of a thread. */
interface Ownership {
  /** Undefined if it has no owner. */
  readonly owner: string | undefined;
  readonly isListed: boolean;
}

/** Authorizes the requests of all routes, before they read stored data. */
export class ThreadAccess {
  readonly agents: AgentRegistry;
  /** Inputs that the functions of thread routes need. */
  readonly extraInputs: FunctionInput[];
  readonly #threadIndex: ThreadIndex;
  readonly #authorize: Authorize | undefined;
  readonly #redaction: Redaction | undefined;

  constructor({ agents, threadIndex, authorize, redaction }: ThreadAccessOptions) {
    this.agents = agents;
    this.#threadIndex = threadIndex;
    this.#authorize = authorize;
    this.#redaction = redaction;
    this.extraInputs = authorize === undefined ? [] : [input.durableClient()];
  }

  /**
   * Returns the thread that a route names.
   *
   * @throws HttpError 404 for an unknown agent or a thread of another user, 400 for an invalid thread id, 403 if the
   * request is not authorized
   */
  async threadOf(request: HttpRequest, context: InvocationContext, action: AccessAction): Promise<ThreadIdentity> {
    return (await this.callerOf(request, context, action)).thread;
  }

  /**
   * Returns the thread that a route names, and the user who sent the request.
   *
   * @throws HttpError, as {@link threadOf} does
   */
  async callerOf(request: HttpRequest, context: InvocationContext, action: AccessAction): Promise<ThreadCaller> {
    const agentName = registeredAgentName(request, this.agents);
    const thread = { agentName, threadId: requireThreadId(routeParameter(request, 'thread_id')) };
    const principal = await this.#principalOf(request, { ...thread, action });
    if (principal !== undefined) await this.#requireOwner(thread, principal, context);
    return { thread, principal };
  }

  /**
   * Returns the agent that a route names, and the owner whose threads the request may list.
   *
   * @returns `owner` is undefined for the threads of all owners
   * @throws HttpError 404 for an unknown agent, 403 if the request is not authorized
   */
  async agentOf(request: HttpRequest): Promise<{ readonly agentName: string; readonly owner: string | undefined }> {
    const agentName = registeredAgentName(request, this.agents);
    const principal = await this.#principalOf(request, { agentName, threadId: undefined, action: 'list' });
    return { agentName, owner: principal?.id };
  }

  /**
   * Authorizes a run in a thread. A new thread belongs to the principal from now on.
   *
   * @param message - becomes the title of a new thread
   * @returns the owner; undefined if threads have none
   * @throws HttpError 404 for a thread of another user, 403 if the request is not authorized
   */
  async claim(
    request: HttpRequest,
    context: InvocationContext,
    thread: ThreadIdentity,
    message: string,
  ): Promise<string | undefined> {
    const principal = await this.#principalOf(request, { ...thread, action: 'run' });
    if (principal === undefined) return undefined;
    const { isListed } = await this.#requireOwner(thread, principal, context);
    if (isListed) return principal.id;
    // If two users start the same thread at once, the first one owns it.
    const title = this.#redaction?.text(message) ?? message;
    const owner = await this.#threadIndex.claim(thread, { message: title, at: new Date(), owner: principal.id });
    if (owner !== principal.id) throw notFound();
    return owner;
  }

  async #principalOf(request: HttpRequest, access: Parameters<Authorize>[1]): Promise<Principal | undefined> {
    if (this.#authorize === undefined) return undefined;
    const principal = await this.#authorize(request, access);
    if (principal === undefined) throw new HttpError(403, 'You are not allowed to do this.');
    return principal;
  }

  /** @throws HttpError 404 if the thread exists and has another owner, or none */
  async #requireOwner(thread: ThreadIdentity, principal: Principal, context: InvocationContext): Promise<Ownership> {
    const ownership = await this.#ownershipOf(thread, context);
    if (ownership !== undefined && ownership.owner !== principal.id) throw notFound();
    return ownership ?? { owner: undefined, isListed: false };
  }

  /** Reads the owner from the list, or from the conversation if the list was lost with the memory of its process. */
  async #ownershipOf(thread: ThreadIdentity, context: InvocationContext): Promise<Ownership | undefined> {
    const listed = await this.#threadIndex.find(thread);
    if (listed !== undefined) return { owner: listed.owner, isListed: true };
    try {
      const state = await readThread(getClient(context), thread.agentName, thread.threadId);
      return state && { owner: ownerOf(state), isListed: false };
    } catch (error) {
      if (error instanceof ThreadStateError) return { owner: undefined, isListed: false };
      throw error;
    }
  }
}

/** Returns the same error as for an unknown thread, so that callers learn nothing about other users' threads. */
function notFound(): HttpError {
  return new HttpError(404, 'There is no conversation with this thread_id.');
}
