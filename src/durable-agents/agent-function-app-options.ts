import type { HttpFunctionOptions } from '@azure/functions';
import type { KeyValueStore } from '../storage/key-value-store.js';
import type { Authorize } from './access/authorize.js';
import type { Agent } from './agent.js';
import type { AgentResponseCallback } from './agent-response-callback.js';
import type { HealthDetails } from './http/health-route.js';
import type { ModelPrices } from './model-price.js';
import type { Redactor } from './redaction/redactor.js';
import type { RunEventSource } from './run-event-source.js';
import type { RunRequest } from './run-request.js';
import type { RunTracer } from './run-tracer.js';
import type { TokenCounter } from './thread/history-window.js';
import type { ThreadIdentity } from './thread/thread-identity.js';
import type { MemoryBounds } from './threads/memory-limits.js';

export interface AgentFunctionAppOptions {
  /** Agents to register with the app's defaults. */
  readonly agents?: readonly Agent[];
  /** Who may call the HTTP functions. @default 'function': callers with a function key */
  readonly httpAuthLevel?: NonNullable<HttpFunctionOptions['authLevel']>;
  /** Registers `GET health`. @default true */
  readonly enableHealthCheck?: boolean;
  /**
   * Lets anyone call `GET health`, which then answers `{"status"}` alone, for probes. Its full answer moves to
   * `GET health/details`. @default false
   */
  readonly enableAnonymousHealth?: boolean;
  /** Further keys of the health answer. Health awaits it without a limit; if it rejects, its keys are missing. */
  readonly healthDetails?: HealthDetails;
  /**
   * Registers `POST agents/{agent}/run` for each agent that does not say otherwise, and `GET agents/{agent}/threads/{id}`.
   * @default true
   */
  readonly enableHttpEndpoints?: boolean;
  /** How long a caller waits for the end of its run. @default 30 */
  readonly waitSeconds?: number;
  /** With `pollIntervalSeconds`: their product replaces `waitSeconds`. @default 30, if the other one is given */
  readonly maxPollRetries?: number;
  /** Maximum polling interval. @default 1 */
  readonly pollIntervalSeconds?: number;
  /** Status of the answer to a caller whose time is up before the run has ended. @default 500, as in the sample */
  readonly waitTimeoutStatus?: 202 | 500;
  /** Maximum size of a message, in bytes of UTF-8. @default 262144 */
  readonly maxMessageBytes?: number;
  /** The roles in which callers may speak. @default user, assistant and system */
  readonly allowedRoles?: readonly RunRequest['role'][];
  /** Tokens of a request and of the turns before it that the model gets. Default: no limit. */
  readonly maxHistoryTokens?: number | undefined;
  /** Turns that the model gets, the one of the request included. @default 200 */
  readonly maxHistoryTurns?: number;
  /** Counts tokens for `maxHistoryTokens`. @default the characters divided by 4 */
  readonly countTokens?: TokenCounter;
  /** Maximum size of a thread's stored state, in bytes of JSON. Beyond it the oldest turns are dropped. @default 900000 */
  readonly maxStateBytes?: number;
  /** A timer function deletes threads after this many days without a run. @default they are kept */
  readonly threadTtlDays?: number | undefined;
  /** Time limit of a run: well below the host's `functionTimeout`, which would lose the run. @default 240 */
  readonly runTimeoutSeconds?: number;
  /** How often an interrupted run is tried. @default 5 */
  readonly maxAttempts?: number;
  /** How long a tool call waits for approval before it is refused. @default 168 */
  readonly approvalTimeoutHours?: number;
  /** Serves a run's events to a caller that accepts `text/event-stream`. Optional. */
  readonly runEvents?: RunEventSource;
  /** Says who sent a request. Threads then belong to who began them. Optional: everybody may do everything. */
  readonly authorize?: Authorize | undefined;
  /** Keeps the records of runs and the list of threads. @default the memory of this process */
  readonly storage?: KeyValueStore;
  /** Bounds `storage` if that is memory. @default 1000 threads and 64 Mi characters */
  readonly memoryBounds?: MemoryBounds;
  /** Removes what else is kept of a thread that is deleted, as its events. Optional. */
  readonly onThreadDeleted?: (thread: ThreadIdentity) => Promise<void>;
  /** Follows the error that a run is unknown: why that may be. Optional. */
  readonly unknownRunHint?: string;
  /** The callback of agents without their own. Optional. */
  readonly defaultCallback?: AgentResponseCallback;
  /** Makes spans and metrics of runs, model calls and tool calls. Optional. */
  readonly tracer?: RunTracer | undefined;
  /**
   * Replaces secrets in all that callbacks, logs and the tracer get of runs. The model, the conversation and the caller's
   * answer keep the originals. @default none
   */
  readonly redact?: readonly Redactor[];
  /** Whether the conversation and the caller's answer are redacted as well. @default false */
  readonly redactAnswers?: boolean;
  /** What models cost. The cost of a run is part of its `final` event. Optional. */
  readonly prices?: ModelPrices | undefined;
}
