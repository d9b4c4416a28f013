import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Fault } from './fault.js';

/** What a {@link FaultyConnection} asks of its proxy. */
export interface FaultSource {
  /** What is wrong now. */
  readonly fault: Fault;
  /** Where an exchange that begins now is to go. */
  readonly upstreamPort: number;
  /** Is told of what a client has sent. */
  onBytesTaken(count: number): void;
  /** Is told of each answer that the server gave and the client never got. */
  onAnswerLost(): void;
}

/** One client of a fault proxy, and its way on to the server. */
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
    // Closing follows an error.
    client.on('error', () => undefined);
    client.on('data', (chunk) => {
      const { fault } = source;
      source.onBytesTaken(chunk.length);
      if (fault.kind === 'black-hole') this.#hasLostBytes = true;
      else this.#requests.add(requestDelayMs(fault), () => this.#send(chunk));
    });
    // What the client sent before it left still reaches the server.
    client.on('close', () => this.#requests.add(requestDelayMs(source.fault), () => this.#upstream?.destroySoon()));
  }

  /** Closes the connection as a server does that ends in order. */
  cut(): void {
    this.#client.destroySoon();
  }

  /** Closes it as a server does that has crashed with requests unread. */
  reset(): void {
    this.#client.resetAndDestroy();
  }

  /** A stream with a hole in it is of no use: to be called when bytes pass again. */
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

/** Keeps what passes in one direction in order, when one piece is delayed longer than the next. */
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
