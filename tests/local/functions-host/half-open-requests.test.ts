import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answer, readBody, startServer, type LoopbackServer } from '../../../local/functions-host/http-server.js';

describe('a request that stops arriving', () => {
  let server: LoopbackServer;
  beforeAll(async () => {
    server = await startServer({
      port: 0,
      handle: async (request, response) => {
        if (request.path === '/early') response.writeHead(200).write('begun');
        await readBody(request);
        answer(response, 200);
      },
      onError: (error) => expect.fail(String(error)),
      receiveTimeoutMs: 100,
    });
  });
  afterAll(async () => server.close());

  /** Sends part of a request, and returns everything that the server sends until it ends the connection. */
  async function send(text: string): Promise<string> {
    const socket = connect(server.port, '127.0.0.1');
    let answered = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (answered += chunk));
    socket.write(text);
    await once(socket, 'close');
    return answered;
  }

  it.each([
    ['in its headers', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-'],
    ['in its body', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345'],
    ['in a chunk of its body', 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n12345'],
  ])('is answered with 408 and disconnected if it stops %s', async (_where, text) => {
    expect(await send(text)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  it('is disconnected without a second answer if the first has started', async () => {
    const text = 'POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345';
    const answered = await send(text);
    expect(answered).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answered).not.toContain('408');
  });
});
