import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { BenchApp } from './bench-app.js';
import type { Figure } from './figure.js';

const THREADS = 10;
const READERS_PER_THREAD = 50;
const MESSAGE = 'chunks=200 pauseMs=10';
const BYTES_PER_KIB = 1024;

/** Measures the cost of connected readers that never read, for runs of their threads and for the app. */
export async function benchIdleReaders(): Promise<Figure[]> {
  const app = await BenchApp.start({ CALLBACK_STORE: 'memory', AGENT_WAIT_SECONDS: '200' });
  try {
    await runAll(app, 'warm-up');
    const aloneMs = await runAll(app, 'alone');
    const before = await app.memory();
    const sockets = await Promise.all(
      threadsOf('idle').flatMap((threadId) =>
        Array.from({ length: READERS_PER_THREAD }, () => connectIdle(new URL(`${app.eventsUrl(threadId)}/stream`))),
      ),
    );
    const idleMs = await runAll(app, 'idle');
    const after = await app.memory();
    for (const socket of sockets) socket.destroy();
    const perReader = (after.resident - before.resident) / sockets.length / BYTES_PER_KIB;
    return [
      {
        name: `${THREADS} runs of 2 s at once: with ${sockets.length} readers that never read, and without`,
        measured: `${(idleMs / 1000).toFixed(1)} and ${(aloneMs / 1000).toFixed(1)} s`,
      },
      { name: 'memory for each reader that never reads, host included', measured: `${perReader.toFixed(1)} KiB` },
    ];
  } finally {
    await app.stop();
  }
}

function threadsOf(name: string): string[] {
  return Array.from({ length: THREADS }, (_, index) => `${name}-${index}`);
}

/** @returns the time until all runs have completed */
async function runAll(app: BenchApp, name: string): Promise<number> {
  const start = performance.now();
  await Promise.all(threadsOf(name).map((threadId) => app.run(threadId, MESSAGE)));
  return performance.now() - start;
}

/** Reads only the beginning of the response. */
async function connectIdle({ hostname, port, pathname }: URL): Promise<Socket> {
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAccept: text/event-stream\r\n\r\n`);
  await once(socket, 'data');
  socket.pause();
  return socket;
}
