import { app, type HttpFunctionOptions } from '@azure/functions';
import { app as durableApp, input } from 'durable-functions';
import type { Agent } from './agent.js';
import type { AgentFunctionAppOptions } from './agent-function-app-options.js';
import { ThreadAccess } from './access/thread-access.js';
import { AgentRegistry } from './agent-registry.js';
import type { AgentClientOptions } from './client/agent-client.js';
import { type AskAgent, createAskAgent } from './client/ask-agent.js';
import { createAgentEntity } from './entity/agent-entity.js';
import type { AgentResponseCallback } from './agent-response-callback.js';
import { registerApprovalExpiry } from './approvals/register-approval-expiry.js';
import { WaitingThreads } from './approvals/waiting-threads.js';
import { createHealthRoute, createProbeRoute } from './http/health-route.js';
import { createRunRoute } from './http/run-route.js';
import { Redaction } from './redaction/redaction.js';
import { RunCompletionNotifier } from './run-completion-notifier.js';
import { removeOldFigures } from './runs/run-figures.js';
import { RunRecords } from './runs/run-records.js';
import { Tombstones } from './runs/tombstones.js';
import { MemoryLimits } from './threads/memory-limits.js';
import { registerThreadPurge } from './threads/register-thread-purge.js';
import { ThreadIndex } from './threads/thread-index.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import { MemoryKeyValueStore } from '../storage/memory/memory-key-value-store.js';
import { registerThreadRoutes } from './http/thread-routes.js';
import { registerStatsRoute } from './http/stats-route.js';
import { ROLES } from './run-request.js';
import { agentEntityName } from './thread/thread-entity.js';

export interface AddAgentOptions {
  /** Callback for this agent's runs. Replaces the app's default callback. */
  readonly callback?: AgentResponseCallback;
  /** @default the app's `enableHttpEndpoints` */
  readonly enableHttpEndpoint?: boolean;
}

/** Registers durable agents and their endpoints with Azure Functions. */
export class AgentFunctionApp {
  /** The registered agents, for other functions of the app. */
  readonly agents = new AgentRegistry();
  /** Authorizes requests, for other routes of the app. */
  readonly access: ThreadAccess;
  /** The list of all threads that have had a run. */
  readonly threadIndex: ThreadIndex;
  /** Asks an agent from other functions of the app. */
  readonly ask: AskAgent;
  readonly #options: AgentFunctionAppOptions;
  readonly #storage: KeyValueStore;
  readonly #completions = new RunCompletionNotifier();
  readonly #runRecords: RunRecords;
  readonly #stepStore: KeyValueStore | undefined;
  readonly #redaction: Redaction | undefined;
  readonly #tombstones: Tombstones;
  readonly #waitingThreads: WaitingThreads;
  readonly #memoryLimits: MemoryLimits | undefined;
  #hasThreadEndpoints = false;

  /** @throws TypeError if an agent's name or a redactor is invalid */
  constructor(options: AgentFunctionAppOptions = {}) {
    this.#options = options;
    const storage = options.storage ?? new MemoryKeyValueStore();
    this.#storage = storage;
    this.#runRecords = new RunRecords(storage);
    this.#tombstones = new Tombstones(storage);
    this.#waitingThreads = new WaitingThreads(storage);
    this.threadIndex = new ThreadIndex(storage);
    // Steps in the memory of a process do not survive its crash, so there is no point in recording them.
    if (!(storage instanceof MemoryKeyValueStore)) this.#stepStore = storage;
    if (storage instanceof MemoryKeyValueStore) {
      const bounds = options.memoryBounds ?? { maxThreads: 1000, maxChars: 64 * 1024 * 1024 };
      this.#memoryLimits = new MemoryLimits(storage, this.#runRecords, this.threadIndex, bounds);
    }
    const { redact = [] } = options;
    if (redact.length > 0) this.#redaction = new Redaction(redact);
    this.access = new ThreadAccess({
      agents: this.agents,
      threadIndex: this.threadIndex,
      authorize: options.authorize,
      redaction: this.#redaction,
    });
    this.ask = createAskAgent({ ...this.#waiting, completions: this.#completions, runRecords: this.#runRecords });
    registerApprovalExpiry({ agents: this.agents, waitingThreads: this.#waitingThreads });
    registerThreadPurge({
      storage,
      agents: this.agents,
      runRecords: this.#runRecords,
      tombstones: this.#tombstones,
      threadIndex: this.threadIndex,
      onDeleted: options.onThreadDeleted,
      ttlDays: options.threadTtlDays,
    });
    if (options.enableHealthCheck ?? true) this.#addHealthCheck();
    for (const agent of options.agents ?? []) this.addAgent(agent);
  }

  get httpAuthLevel(): NonNullable<HttpFunctionOptions['authLevel']> {
    return this.#options.httpAuthLevel ?? 'function';
  }

  /** Polling interval and time limit of waiting callers. */
  get #waiting(): Pick<AgentClientOptions, 'pollIntervalMs' | 'maxWaitMs'> {
    const { waitSeconds = 30, maxPollRetries, pollIntervalSeconds } = this.#options;
    const pollIntervalMs = (pollIntervalSeconds ?? 1) * 1000;
    const isPolled = maxPollRetries !== undefined || pollIntervalSeconds !== undefined;
    return { pollIntervalMs, maxWaitMs: isPolled ? (maxPollRetries ?? 30) * pollIntervalMs : waitSeconds * 1000 };
  }

  get #maxStateBytes(): number {
    return this.#options.maxStateBytes ?? 900_000;
  }

  /**
   * Registers an agent: its durable entity `dafx-{agent}` and its run endpoint `http-{agent}`.
   *
   * @throws TypeError if the agent's name is invalid or taken
   */
  addAgent(agent: Agent, options: AddAgentOptions = {}): void {
    const httpEndpointEnabled = options.enableHttpEndpoint ?? this.#options.enableHttpEndpoints ?? true;
    this.agents.add({ agent, httpEndpointEnabled });
    durableApp.entity(
      agentEntityName(agent.name),
      createAgentEntity({
        agent,
        callback: options.callback ?? this.#options.defaultCallback,
        completions: this.#completions,
        runTimeoutMs: (this.#options.runTimeoutSeconds ?? 240) * 1000,
        maxAttempts: this.#options.maxAttempts ?? 5,
        approvalTimeoutMs: (this.#options.approvalTimeoutHours ?? 168) * 3_600_000,
        historyLimits: {
          maxTokens: this.#options.maxHistoryTokens,
          maxTurns: this.#options.maxHistoryTurns,
          countTokens: this.#options.countTokens,
        },
        maxStateBytes: this.#maxStateBytes,
        runRecords: this.#runRecords,
        tombstones: this.#tombstones,
        stepStore: this.#stepStore,
        threadIndex: this.threadIndex,
        waitingThreads: this.#waitingThreads,
        memoryLimits: this.#memoryLimits,
        tracer: this.#options.tracer,
        redaction: this.#redaction,
        redactAnswers: this.#options.redactAnswers,
        prices: this.#options.prices,
      }),
    );
    if (!httpEndpointEnabled) return;
    this.#addRunEndpoint(agent);
    this.#addThreadEndpoints();
  }

  /** Removes runs that were accepted before a time from the statistics of all agents. */
  async removeOldStats(before: Date): Promise<void> {
    for (const { agent } of this.agents.list()) await removeOldFigures(this.#storage, agent.name, before);
  }

  #addHealthCheck(): void {
    const { enableAnonymousHealth = false, healthDetails } = this.#options;
    if (enableAnonymousHealth) {
      app.http('health_check', {
        methods: ['GET'],
        route: 'health',
        authLevel: 'anonymous',
        handler: createProbeRoute(),
      });
    }
    app.http(enableAnonymousHealth ? 'health_details' : 'health_check', {
      methods: ['GET'],
      route: enableAnonymousHealth ? 'health/details' : 'health',
      authLevel: this.httpAuthLevel,
      handler: createHealthRoute(this.agents, healthDetails),
    });
  }

  /** Adds the endpoints that all agents share. */
  #addThreadEndpoints(): void {
    if (this.#hasThreadEndpoints) return;
    this.#hasThreadEndpoints = true;
    const { unknownRunHint, onThreadDeleted: onDeleted } = this.#options;
    registerStatsRoute({ access: this.access, storage: this.#storage, authLevel: this.httpAuthLevel });
    registerThreadRoutes({
      authLevel: this.httpAuthLevel,
      access: this.access,
      runRecords: this.#runRecords,
      tombstones: this.#tombstones,
      threadIndex: this.threadIndex,
      unknownRunHint,
      onDeleted,
      maxStateBytes: this.#maxStateBytes,
    });
  }

  #addRunEndpoint({ name: agentName, answerFormat }: Agent): void {
    const options = this.#options;
    app.http(`http-${agentName}`, {
      methods: ['POST'],
      route: `agents/${agentName}/run`,
      authLevel: this.httpAuthLevel,
      extraInputs: [input.durableClient()],
      handler: createRunRoute({
        agentName,
        responseSchema: answerFormat?.schema,
        access: this.access,
        completions: this.#completions,
        ...this.#waiting,
        timeoutStatus: options.waitTimeoutStatus ?? 500,
        messageRules: {
          maxBytes: options.maxMessageBytes ?? 256 * 1024,
          maxStateBytes: this.#maxStateBytes,
          allowedRoles: options.allowedRoles ?? ROLES,
        },
        runEvents: options.runEvents,
        runRecords: this.#runRecords,
      }),
    });
  }
}
