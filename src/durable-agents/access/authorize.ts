import type { HttpRequest } from '@azure/functions';

/** The user who sent a request. */
export interface Principal {
  /** Identifies the user permanently and uniquely. Stored with the user's threads. */
  readonly id: string;
}

/** The kinds of access that a request can ask for. */
export type AccessAction = 'run' | 'read' | 'delete' | 'cancel' | 'approve' | 'list';

/** The access that a request asks for. */
export interface AccessRequest {
  /** In its registered spelling. */
  readonly agentName: string;
  /** Undefined for the list of an agent's threads. */
  readonly threadId: string | undefined;
  readonly action: AccessAction;
}

/**
 * Identifies the user who sent a request, before the app reads stored data. Undefined refuses the request with 403. The
 * app then checks the owner of the thread: a thread of another user is a 404.
 */
export type Authorize = (request: HttpRequest, access: AccessRequest) => Promise<Principal | undefined>;
