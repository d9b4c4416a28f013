import { randomBytes } from 'node:crypto';
import type { CallbackEventStore } from '../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../src/audit/domain/event-thread.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';

/** A service that stores keep events in, as the fault suite needs it. */
export interface FaultyService {
  /** Where the service itself listens on loopback. */
  readonly port: number;
  /** Makes a store that reaches the service through a port of loopback, its own or a proxy's. */
  createStore(port: number): CallbackEventStore;
  close(): Promise<void>;
}

/** A run of a thread that nobody else uses. */
export interface NewRun {
  readonly thread: EventThread;
  readonly correlationId: string;
}

/** The way between stores and their service, which a test can spoil for itself alone. */
export class WayToService {
  readonly proxy: FaultProxy;
  /** A store that does not go this way. */
  readonly direct: CallbackEventStore;
  readonly #service: FaultyService;
  readonly #stores: CallbackEventStore[] = [];

  private constructor(service: FaultyService, proxy: FaultProxy) {
    this.#service = service;
    this.proxy = proxy;
    this.direct = service.createStore(service.port);
    this.#stores.push(this.direct);
  }

  static async open(service: FaultyService): Promise<WayToService> {
    return new WayToService(service, await startFaultProxy(service.port));
  }

  /** A store that goes this way; each process has one of its own. */
  createStore(): CallbackEventStore {
    const store = this.#service.createStore(this.proxy.port);
    this.#stores.push(store);
    return store;
  }

  async close(): Promise<void> {
    await this.proxy.setFault({ kind: 'none' });
    await Promise.all(this.#stores.map((store) => store.close()));
    await this.proxy.close();
  }
}

export function newRun(): NewRun {
  const id = randomBytes(16).toString('hex');
  return { thread: { agentName: 'CallbackAgent', threadId: `thread-${id.slice(0, 8)}` }, correlationId: id };
}
