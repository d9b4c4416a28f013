import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { HttpResponse, InvocationContext } from '@azure/functions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trackResponses } from '../../src/functions/outgoing-response.js';
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
    // Only as much as the two sockets buffer.
    expect(produced).toBeLessThan(PIECES / 2);
    request.destroy();
    await eventually(async () => {
      if (!hasEnded) throw new Error('The body has not ended');
    });
  });
});
