import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Fault } from './fault.js';

/** The part of a proxy that a {@link FaultyConnection} uses. */
export interface FaultSource {
  /** The current fault. */
  readonly fault: Fault;
  /** The port of the server for new exchanges. */
  readonly upstreamPort: number;
  /** Called with the bytes that a client has sent. */
  onBytesTaken(count: number): void;
  /** Called for each response that the client never received. */
  onAnswerLost(): void;
}

/** One client of a fault proxy, and its connection to the server. */
export class FaultyConnection {
  readonly #source: FaultSource;
  readonly #client: Socket;
  readonly #requests = new Lane();
  readonly #answers = new Lane();
  #upstream: Socket | undefined;
  #upstreamPort = 0;
  #isAnswerAwaited = false;
  #hasLostBytes = false;

  constructor(client: Socket, source: FaultSource) {
    this.#client = client;
    this.#source = source;
    client.setNoDelay();
    // Ignores 'error', because 'close' follows it.
    client.on('error', () => undefined);
    client.on('data', (chunk) => {
      const { fault } = source;
      source.onBytesTaken(chunk.length);
      if (fault.kind === 'black-hole') this.#hasLostBytes = true;
      else this.#requests.add(requestDelayMs(fault), () => this.#send(chunk));
    });
    // Data that the client sent before it disconnected still reaches the server.
    client.on('close', () => this.#requests.add(requestDelayMs(source.fault), () => this.#upstream?.destroySoon()));
  }

  /** Closes the connection like a server that shuts down. */
  cut(): void {
    this.#client.destroySoon();
  }

  /** Closes it like a server that crashed with unread requests. */
  reset(): void {
    this.#client.resetAndDestroy();
  }

  /** Resets a stream that has a gap. Call this when bytes pass again. */
  resetIfBytesWereLost(): void {
    if (this.#hasLostBytes) this.reset();
  }

  #send(chunk: Buffer): void {
    const port = this.#source.upstreamPort;
    if (this.#upstream === undefined || (port !== this.#upstreamPort && !this.#isAnswerAwaited)) {
      const previous = this.#upstream;
      this.#upstream = this.#connect(port);
      this.#upstreamPort = port;
      previous?.destroy();
    }
    this.#isAnswerAwaited = true;
    this.#upstream.write(chunk);
  }

  #connect(port: number): Socket {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    upstream.on('error', () => undefined);
    upstream.on('data', (chunk) => {
      const { fault } = this.#source;
      if (fault.kind === 'black-hole') {
        this.#hasLostBytes = true;
      } else if (fault.kind === 'lose-answers') {
        if (this.#client.destroyed) return;
        this.reset();
        this.#source.onAnswerLost();
      } else {
        this.#answers.add(answerDelayMs(fault), () => {
          this.#isAnswerAwaited = false;
          this.#client.write(chunk);
        });
      }
    });
    upstream.on('close', (hadError) => {
      this.#answers.add(answerDelayMs(this.#source.fault), () => {
        if (upstream !== this.#upstream) return;
        if (hadError) this.reset();
        else this.cut();
      });
    });
    return upstream;
  }
}

/** Keeps the data of one direction in order, even if a piece is delayed longer than the next. */
class Lane {
  #last = Promise.resolve();

  add(delayMs: number, deliver: () => void): void {
    this.#last = this.#deliverAfter(this.#last, performance.now() + delayMs, deliver);
  }

  async #deliverAfter(previous: Promise<void>, dueMs: number, deliver: () => void): Promise<void> {
    await previous;
    const leftMs = dueMs - performance.now();
    if (leftMs > 0) await wait(leftMs);
    deliver();
  }
}

function requestDelayMs(fault: Fault): number {
  return fault.kind === 'delay' ? (fault.requestMs ?? 0) : 0;
}

function answerDelayMs(fault: Fault): number {
  return fault.kind === 'delay' ? (fault.answerMs ?? 0) : 0;
}
