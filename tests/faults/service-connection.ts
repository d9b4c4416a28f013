import { randomBytes } from 'node:crypto';
import type { CallbackEventStore } from '../../src/audit/store/callback-event-store.js';
import type { EventThread } from '../../src/audit/domain/event-thread.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';

/** A service with its store, for the fault suite. */
export interface FaultyService {
  /** The loopback port of the service itself. */
  readonly port: number;
  /** Creates a store that connects to a loopback port: that of the service, or that of a proxy. */
  createStore(port: number): CallbackEventStore;
  close(): Promise<void>;
}

/** A run in a new thread. */
export interface NewRun {
  readonly thread: EventThread;
  readonly correlationId: string;
}

/** The connection between stores and their service, which each test can disturb without affecting others. */
export class ServiceConnection {
  readonly proxy: FaultProxy;
  /** A store with a direct connection. */
  readonly direct: CallbackEventStore;
  readonly #service: FaultyService;
  readonly #stores: CallbackEventStore[] = [];

  private constructor(service: FaultyService, proxy: FaultProxy) {
    this.#service = service;
    this.proxy = proxy;
    this.direct = service.createStore(service.port);
    this.#stores.push(this.direct);
  }

  static async open(service: FaultyService): Promise<ServiceConnection> {
    return new ServiceConnection(service, await startFaultProxy(service.port));
  }

  /** A store that uses this connection. Each process has its own. */
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
