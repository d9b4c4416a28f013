import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { isPortTaken } from '../../local/loopback-port.js';
import type { Fault } from './fault.js';
import { FaultyConnection } from './faulty-connection.js';
import { KEEP_IDLE_CONNECTIONS } from './keep-idle-connections.js';

/** A loopback proxy between a client and its server that causes faults on demand. */
export interface FaultProxy {
  /** The port for clients. */
  readonly port: number;
  /** The number of bytes that clients have sent so far, delivered or not. */
  readonly takenBytes: number;
  /** The number of responses that `lose-answers` has dropped so far. */
  readonly lostAnswers: number;
  /** The number of HTTP requests that the proxy has answered itself so far. */
  readonly ownAnswers: number;
  /** Replaces the current fault. In effect once this resolves. */
  setFault(fault: Fault): Promise<void>;
  /** Closes all open connections gracefully (FIN). */
  cut(): void;
  /** Resets all open connections (RST). */
  reset(): void;
  close(): Promise<void>;
}

const listenAgainWithinMs = 5000;
const lookEveryMs = 20;

/** Starts a proxy without a fault in front of a loopback port. The caller closes it. */
export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  let fault: Fault = { kind: 'none' };
  let takenBytes = 0;
  let lostAnswers = 0;
  let ownAnswers = 0;
  let ownAnswer: Extract<Fault, { kind: 'answer' }> = { kind: 'answer', status: 503 };
  const connections = new Set<FaultyConnection>();

  const answering = createHttpServer({ keepAliveTimeout: KEEP_IDLE_CONNECTIONS }, (request, response) => {
    const { status, retryAfterSeconds } = ownAnswer;
    request.resume().once('end', () => {
      ownAnswers += 1;
      if (retryAfterSeconds !== undefined) response.setHeader('retry-after', retryAfterSeconds);
      response.writeHead(status).end();
    });
  });
  const answeringPort = await listen(answering, 0);

  const server = createServer((client) => {
    const connection = new FaultyConnection(client, {
      get fault() {
        return fault;
      },
      get upstreamPort() {
        return fault.kind === 'answer' ? answeringPort : targetPort;
      },
      onBytesTaken: (count) => {
        takenBytes += count;
      },
      onAnswerLost: () => {
        lostAnswers += 1;
        if (fault.kind !== 'lose-answers' || fault.count === undefined) return;
        fault = fault.count > 1 ? { ...fault, count: fault.count - 1 } : { kind: 'none' };
      },
    });
    connections.add(connection);
    client.once('close', () => connections.delete(connection));
  });
  const port = await listen(server, 0);

  const cut = (): void => connections.forEach((connection) => connection.cut());
  const reset = (): void => connections.forEach((connection) => connection.reset());
  const stopListening = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  };
  return {
    port,
    get takenBytes() {
      return takenBytes;
    },
    get lostAnswers() {
      return lostAnswers;
    },
    get ownAnswers() {
      return ownAnswers;
    },
    setFault: async (next) => {
      const previous = fault;
      fault = next;
      if (next.kind === 'answer') ownAnswer = next;
      if (previous.kind === 'black-hole' && next.kind !== 'black-hole') {
        connections.forEach((connection) => connection.resetIfBytesWereLost());
      }
      if (next.kind === 'refuse') await stopListening();
      else if (!server.listening) await listen(server, port);
    },
    cut,
    reset,
    close: async () => {
      reset();
      await stopListening();
      answering.closeAllConnections();
      answering.close();
    },
  };
}

/** Listens on loopback. Retries if another connection briefly uses the port. */
async function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  const deadline = Date.now() + listenAgainWithinMs;
  for (;;) {
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    } catch (error) {
      if (!isPortTaken(error) || Date.now() > deadline) throw error;
      await wait(lookEveryMs);
    }
  }
}
