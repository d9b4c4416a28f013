import type { HttpRequest } from '@azure/functions';

/** Who sent a request. */
export interface Principal {
  /** Identifies the user permanently and uniquely. Threads are stored with it. */
  readonly id: string;
}

/** What a request wants to do. */
export type AccessAction = 'run' | 'read' | 'delete' | 'cancel' | 'approve' | 'list';

/** What a request wants to do, and to what. */
export interface AccessRequest {
  /** In its registered spelling. */
  readonly agentName: string;
  /** Undefined for the list of an agent's threads. */
  readonly threadId: string | undefined;
  readonly action: AccessAction;
}

/**
 * Says who sent a request, before anything that is stored is read. Undefined refuses the request with 403. Whether the
 * thread belongs to the principal is checked afterwards: the thread of another one is a 404.
 */
export type Authorize = (request: HttpRequest, access: AccessRequest) => Promise<Principal | undefined>;
