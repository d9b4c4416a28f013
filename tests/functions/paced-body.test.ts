import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { HttpResponse, InvocationContext } from '@azure/functions';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { disconnectIfUnread, trackResponses } from '../../src/functions/outgoing-response.js';
import { pacedBody } from '../../src/functions/paced-body.js';
import { eventually } from '../support/eventually.js';

const PIECE = Buffer.alloc(64 * 1024, 'x');
const PIECES = 1000;

/** Writes bodies like `@azure/functions`: without waiting for the client. */
describe('pacedBody', () => {
  let produced = 0;
  let hasEnded = false;
  const server = http.createServer((request, response) => {
    const invocationId = String(request.headers['x-ms-invocation-id']);
    const context = new InvocationContext({ functionName: 'export', invocationId });
    void (async () => {
      const { body } = new HttpResponse({ body: pacedBody(pieces(), context) });
      for await (const chunk of body ?? []) response.write(chunk);
      response.end();
    })();
  });

  async function* pieces(): AsyncGenerator<Uint8Array> {
    [produced, hasEnded] = [0, false];
    try {
      for (; produced < PIECES; produced += 1) yield PIECE;
    } finally {
      hasEnded = true;
    }
  }

  beforeAll(async () => {
    trackResponses();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterAll(() => void server.close());
  afterEach(() => void vi.useRealTimers());

  async function get(): Promise<[http.ClientRequest, http.IncomingMessage]> {
    const { port } = server.address() as AddressInfo;
    const headers = { 'x-ms-invocation-id': 'invocation-1' };
    const request = http.get({ host: '127.0.0.1', port, headers, agent: false });
    const [answer]: http.IncomingMessage[] = await once(request, 'response');
    if (answer === undefined) throw new Error('The server has not responded yet');
    return [request, answer];
  }

  it('delivers the whole body', async () => {
    const [, answer] = await get();
    let bytes = 0;
    for await (const chunk of answer) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(PIECES * PIECE.length);
  });

  it('stops pulling while the client does not read, and ends when the client disconnects', async () => {
    const [request, answer] = await get();
    answer.pause();
    let last = -1;
    await eventually(async () => {
      const before = last;
      last = produced;
      if (before !== last) throw new Error(`Still producing, ${last} pieces so far`);
    });
    // The body produced only as much as the two sockets buffer.
    expect(produced).toBeLessThan(PIECES / 2);
    request.destroy();
    await eventually(async () => {
      if (!hasEnded) throw new Error('The body has not ended');
    });
  });

  it('disconnects a client that takes nothing for a minute', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const [request, answer] = await get();
    answer.pause();
    await untilStill(() => produced);
    vi.advanceTimersByTime(59_000);
    await untilStill(() => produced);
    expect(hasEnded).toBe(false);

    vi.advanceTimersByTime(1000);

    vi.useRealTimers();
    await eventually(async () => expect(hasEnded).toBe(true));
    expect(produced).toBeLessThan(PIECES / 2);
    request.destroy();
  });
});

describe('disconnectIfUnread', () => {
  afterEach(() => void vi.useRealTimers());

  it.each([
    { reads: true, what: 'leaves a client that has taken the rest in time' },
    { reads: false, what: 'disconnects a client that has not taken the rest after a minute' },
  ])('$what', async ({ reads }) => {
    const size = PIECES * PIECE.length;
    let sent: http.ServerResponse | undefined;
    const server = http.createServer((_request, response) => {
      sent = response;
      response.end(Buffer.alloc(size));
      disconnectIfUnread(response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const request = http.get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    const [answer]: http.IncomingMessage[] = await once(request, 'response');
    let bytes = 0;
    if (reads) {
      for await (const chunk of answer ?? []) bytes += (chunk as Buffer).length;
      if (sent?.writableFinished === false) await once(sent, 'finish');
    } else {
      answer?.pause();
    }

    vi.advanceTimersByTime(60_000);

    const isCut = sent?.destroyed === true && !sent.writableFinished;
    expect({ isWhole: bytes === size, isCut }).toEqual({ isWhole: reads, isCut: !reads });
    request.destroy();
    server.close();
  });
});

/** Waits until a count stays the same for many turns of the event loop. */
async function untilStill(count: () => number): Promise<void> {
  for (let turns = 0, last = -1; turns < 500; turns += 1) {
    if (count() !== last) turns = 0;
    last = count();
    await nextTurn();
  }
}
