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
  /** Undefined: everybody may do everything. */
  readonly authorize: Authorize | undefined;
  /** Replaces secrets in the titles of threads. Optional. */
  readonly redaction?: Redaction | undefined;
}

/** A request about a thread that may be made. */
export interface ThreadCaller {
  readonly thread: ThreadIdentity;
  /** Undefined if everybody may do everything. */
  readonly principal: Principal | undefined;
}

/** The owner of a thread, as far as it is known. */
interface Ownership {
  /** Undefined if it has no owner. */
  readonly owner: string | undefined;
  readonly isListed: boolean;
}

/** Decides for each route of the app whether a request may do what it asks for, before stored data is read. */
export class ThreadAccess {
  readonly agents: AgentRegistry;
  /** Inputs that a function needs whose route names a thread. */
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
   * The thread that a route names.
   *
   * @throws HttpError 404 for an agent that is not registered and a thread of somebody else, 400 for an invalid thread
   *   id, 403 if the request is not allowed to do this
   */
  async threadOf(request: HttpRequest, context: InvocationContext, action: AccessAction): Promise<ThreadIdentity> {
    return (await this.callerOf(request, context, action)).thread;
  }

  /**
   * The thread that a route names, and who asks.
   *
   * @throws HttpError as {@link threadOf}
   */
  async callerOf(request: HttpRequest, context: InvocationContext, action: AccessAction): Promise<ThreadCaller> {
    const agentName = registeredAgentName(request, this.agents);
    const thread = { agentName, threadId: requireThreadId(routeParameter(request, 'thread_id')) };
    const principal = await this.#principalOf(request, { ...thread, action });
    if (principal !== undefined) await this.#requireOwner(thread, principal, context);
    return { thread, principal };
  }

  /**
   * The agent that a route names, and whose threads may be listed.
   *
   * @returns `owner` undefined: those of all owners
   * @throws HttpError 404 for an agent that is not registered, 403 if the request is not allowed to do this
   */
  async agentOf(request: HttpRequest): Promise<{ readonly agentName: string; readonly owner: string | undefined }> {
    const agentName = registeredAgentName(request, this.agents);
    const principal = await this.#principalOf(request, { agentName, threadId: undefined, action: 'list' });
    return { agentName, owner: principal?.id };
  }

  /**
   * Lets a request run the agent in a thread. A new thread belongs to the principal from now on.
   *
   * @param message becomes the title of a new thread
   * @returns the owner; undefined if threads have none
   * @throws HttpError 404 for a thread of another user, 403 if the request is not allowed to do this
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
    // Of two that begin the same thread at once, one comes first.
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

  /** The list may have lost the thread with the memory of its process; then the conversation tells. */
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

/** The words for a thread that does not exist: the caller does not learn whose it is. */
function notFound(): HttpError {
  return new HttpError(404, 'There is no conversation with this thread_id.');
}
