import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * A separate process that sends events of the app's size to SSE readers, and does nothing else: the reference for the
 * latency of the app's streams. `GET /THREAD` follows a thread. `POST /?events=80&pauseMs=100` sends events to the
 * readers of each thread. Prints its port.
 */
const readers = new Map<string, ServerResponse[]>();

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (request.method === 'POST') {
    const [events, pauseMs] = [Number(searchParams.get('events')), Number(searchParams.get('pauseMs'))];
    for (const ofThread of readers.values()) void send(ofThread, events, pauseMs);
    response.end();
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  readers.set(pathname, [...(readers.get(pathname) ?? []), response]);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`);
});
process.on('disconnect', () => process.exit());

async function send(responses: readonly ServerResponse[], events: number, pauseMs: number): Promise<void> {
  const start = performance.now();
  for (let index = 1; index <= events; index += 1) {
    await delay(Math.max(0, start + index * pauseMs - performance.now()));
    const name = index === events ? 'final' : 'stream';
    const data = JSON.stringify({ timestamp: new Date().toISOString(), text: 'x'.repeat(300) });
    for (const response of responses) response.write(`event: ${name}\ndata: ${data}\n\n`);
  }
}
