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
   * Lets probes call `GET health` without a key. It then returns only `{"status"}`, and `GET health/details` returns
   * the rest. @default false
   */
  readonly enableAnonymousHealth?: boolean;
  /** Returns further keys of the health answer. There is no time limit. If it rejects, its keys are missing. */
  readonly healthDetails?: HealthDetails;
  /**
   * Registers `POST agents/{agent}/run` for each agent, unless its own options differ, and the routes of threads and
   * statistics.
   * @default true
   */
  readonly enableHttpEndpoints?: boolean;
  /** How long a caller waits for the end of its run. @default 30 */
  readonly waitSeconds?: number;
  /** The product of this and `pollIntervalSeconds` replaces `waitSeconds`. @default 30, if the other one is set */
  readonly maxPollRetries?: number;
  /** Maximum polling interval. @default 1 */
  readonly pollIntervalSeconds?: number;
  /** Status of the timeout answer, if the run has not ended after the wait. @default 500, as in the Python sample */
  readonly waitTimeoutStatus?: 202 | 500;
  /** Maximum size of a message, in bytes of UTF-8. @default 262144 */
  readonly maxMessageBytes?: number;
  /** The roles that callers may use. @default user, assistant and system */
  readonly allowedRoles?: readonly RunRequest['role'][];
  /** Maximum tokens of a request and its history that the model gets. @default no limit */
  readonly maxHistoryTokens?: number | undefined;
  /** Maximum number of turns that the model gets, including the request. @default 200 */
  readonly maxHistoryTurns?: number;
  /** Counts tokens for `maxHistoryTokens`. @default the number of characters divided by 4 */
  readonly countTokens?: TokenCounter;
  /**
   * Maximum size of a thread's stored state, in bytes of JSON. Beyond it the oldest turns are dropped. @default 900000
   */
  readonly maxStateBytes?: number;
  /** A timer function deletes threads after this many days without a run. @default never */
  readonly threadTtlDays?: number | undefined;
  /** Time limit of a run. Keep it well below the host's `functionTimeout`, which would lose the run. @default 240 */
  readonly runTimeoutSeconds?: number;
  /** Maximum number of deliveries of an interrupted run. @default 5 */
  readonly maxAttempts?: number;
  /** How long a tool call waits for approval before the approval expires. @default 168 */
  readonly approvalTimeoutHours?: number;
  /** Streams a run's events to a caller that accepts `text/event-stream`. @default no streams */
  readonly runEvents?: RunEventSource;
  /**
   * Identifies the user of a request. A thread then belongs to the user who started it. @default every caller may do
   * everything
   */
  readonly authorize?: Authorize | undefined;
  /** Stores the records of runs and the list of threads. @default the memory of this process */
  readonly storage?: KeyValueStore;
  /** Limits `storage` if that is memory. @default 1000 threads and 64 Mi characters */
  readonly memoryBounds?: MemoryBounds;
  /** Removes other data of a deleted thread, such as its events. Optional. */
  readonly onThreadDeleted?: (thread: ThreadIdentity) => Promise<void>;
  /** Added to the error for an unknown run, to explain a likely reason. Optional. */
  readonly unknownRunHint?: string;
  /** The callback of agents without their own. Optional. */
  readonly defaultCallback?: AgentResponseCallback;
  /** Records spans and metrics of runs, model calls and tool calls. Optional. */
  readonly tracer?: RunTracer | undefined;
  /**
   * Replaces secrets in everything that callbacks, logs and the tracer get. The model, the conversation and the
   * caller's answer get the originals. @default none
   */
  readonly redact?: readonly Redactor[];
  /** Whether to redact the conversation and the caller's answer, too. @default false */
  readonly redactAnswers?: boolean;
  /** Prices of models. The cost of a run is part of its `final` event. Optional. */
  readonly prices?: ModelPrices | undefined;
}
