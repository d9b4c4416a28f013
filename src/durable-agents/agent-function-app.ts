import { app, type HttpFunctionOptions } from '@azure/functions';
import { app as durableApp, input } from 'durable-functions';
import type { Agent } from './agent.js';
import { AgentRegistry } from './agent-registry.js';
import { agentEntityName, createAgentEntity } from './entity/agent-entity.js';
import type { AgentResponseCallback } from './agent-response-callback.js';
import { createHealthRoute, type HealthDetails } from './http/health-route.js';
import { createRunRoute } from './http/run-route.js';
import { RunCompletionNotifier } from './run-completion-notifier.js';
import type { RunEventSource } from './run-event-source.js';
import type { RunRecords } from './run-records.js';

export interface AgentFunctionAppOptions {
  /** Agents to register at once, with the app's defaults. */
  readonly agents?: readonly Agent[];
  /** Who may call the HTTP functions. Default: `function`, whoever has a function key. */
  readonly httpAuthLevel?: NonNullable<HttpFunctionOptions['authLevel']>;
  /** Registers `GET health`. Default: true. */
  readonly enableHealthCheck?: boolean;
  /**
   * Further keys of the health answer, behind its own. Has to be quick and to end in any case: health waits for it.
   * When it rejects, that is logged, and health is answered without. Default: none.
   */
  readonly healthDetails?: HealthDetails;
  /** Registers `POST agents/{agent}/run` for each agent that does not say otherwise. Default: true. */
  readonly enableHttpEndpoints?: boolean;
  /** How often a waiting caller's run is looked at, together with `pollIntervalSeconds`. Default: 30. */
  readonly maxPollRetries?: number;
  /** The longest pause between two looks; the product of both is how long a caller waits. Default: 1. */
  readonly pollIntervalSeconds?: number;
  /** The longest message that is accepted, in bytes of UTF-8. Default: 256 KiB. */
  readonly maxMessageBytes?: number;
  /** How long a run may take: well below the host's `functionTimeout`, which would lose it. Default: 240. */
  readonly runTimeoutSeconds?: number;
  /** Serves a run's events to a caller that accepts `text/event-stream`. Default: none. */
  readonly runEvents?: RunEventSource;
  /** Is told of runs that were accepted with an `Idempotency-Key`, and of answers that are kept. Default: none. */
  readonly runRecords?: RunRecords;
  /** Watches the runs of every agent that has no callback of its own. Default: none. */
  readonly defaultCallback?: AgentResponseCallback;
}

export interface AddAgentOptions {
  /** Watches this agent's runs, in place of the app's default callback. */
  readonly callback?: AgentResponseCallback;
  /** Absent: as the app's `enableHttpEndpoints`. */
  readonly enableHttpEndpoint?: boolean;
}

/** Registers durable agents, and the endpoints that serve them, with Azure Functions. */
export class AgentFunctionApp {
  /** What is registered so far, for functions that are added beside. */
  readonly agents = new AgentRegistry();
  readonly #options: AgentFunctionAppOptions;
  readonly #completions = new RunCompletionNotifier();

  constructor(options: AgentFunctionAppOptions = {}) {
    this.#options = options;
    if (options.enableHealthCheck ?? true) {
      app.http('health_check', {
        methods: ['GET'],
        route: 'health',
        authLevel: this.httpAuthLevel,
        handler: createHealthRoute(this.agents, options.healthDetails),
      });
    }
    for (const agent of options.agents ?? []) this.addAgent(agent);
  }

  get httpAuthLevel(): NonNullable<HttpFunctionOptions['authLevel']> {
    return this.#options.httpAuthLevel ?? 'function';
  }

  /**
   * Registers an agent: its durable entity `dafx-{agent}`, and its run endpoint `http-{agent}`.
   *
   * @throws TypeError when the agent's name is invalid or taken
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
      }),
    );
    if (httpEndpointEnabled) this.#addRunEndpoint(agent.name);
  }

  #addRunEndpoint(agentName: string): void {
    const pollIntervalMs = (this.#options.pollIntervalSeconds ?? 1) * 1000;
    app.http(`http-${agentName}`, {
      methods: ['POST'],
      route: `agents/${agentName}/run`,
      authLevel: this.httpAuthLevel,
      extraInputs: [input.durableClient()],
      handler: createRunRoute({
        agentName,
        completions: this.#completions,
        pollIntervalMs,
        maxWaitMs: (this.#options.maxPollRetries ?? 30) * pollIntervalMs,
        maxMessageBytes: this.#options.maxMessageBytes ?? 256 * 1024,
        runEvents: this.#options.runEvents,
        runRecords: this.#options.runRecords,
      }),
    });
  }
}
