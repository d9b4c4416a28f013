import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixtureFolder, startHostProcess, type HostProcess } from './support/host-process.js';
import { exchange, exchangeInTurn } from './support/raw-http.js';

describe('the streaming app', () => {
  let host: HostProcess;
  beforeAll(async () => {
    host = await startHostProcess(fixtureFolder('app'), { environment: { RECORD_STREAM: '1' } });
  });
  afterAll(async () => host.end());

  test('serves every function without keys', async () => {
    expect((await fetch(`http://localhost:${host.port}/api/protected`)).status).toBe(200);
  });

  test('survives clients that disconnect during request or response', async () => {
    const answering = connect(host.port, '127.0.0.1');
    answering.write('GET /api/sse?n=20&ms=20 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(answering, 'data');
    answering.destroy();
    const asking = connect(host.port, '127.0.0.1');
    asking.write('POST /api/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await once(asking, 'connect');
    asking.destroy();
    const declaring = connect(host.port, '127.0.0.1');
    declaring.write('POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nhello');
    await once(declaring, 'connect');
    declaring.destroy();
    expect((await fetch(`http://localhost:${host.port}/api/sse?n=25&ms=20`)).status).toBe(200);
    expect(await (await fetch(`http://localhost:${host.port}/api/hello`)).text()).toContain('hello');
  });

  test('answers 431 if there are too many headers for the proxy of the library', async () => {
    const headers = { 'X-Big': 'z'.repeat(20_000) };
    expect((await fetch(`http://localhost:${host.port}/api/hello`, { headers })).status).toBe(431);
    expect((await fetch(`http://localhost:${host.port}/api/hello`)).status).toBe(200);
  });

  test('reports a client that will never get a response', async () => {
    const complaint = (): boolean =>
      host.log.some(
        ({ level, message }) => level === 'error' && message.includes('GET /api/undef sends its client NO RESPONSE'),
      );
    const answer = await exchange(
      host.port,
      { line: 'GET /api/undef HTTP/1.1', headers: { Host: 'localhost' } },
      host.until(complaint),
    );
    expect(answer).toBeUndefined();
  });
});

describe('a streaming function that does not read its whole body does not block others', () => {
  let host: HostProcess;
  beforeAll(async () => {
    host = await startHostProcess(fixtureFolder('refusing-app'));
  });
  afterAll(async () => host.end());

  const headers = { Host: 'localhost', 'Content-Type': 'application/octet-stream' };
  const hello = { line: 'GET /api/hello HTTP/1.1', headers: { ...headers, Connection: 'close' } };

  test.each(
    ['beginning', 'nothing'].flatMap((part) =>
      [1, 20].flatMap((megabytes) => ['declared', 'chunked'].map((kind) => [part, megabytes, kind] as const)),
    ),
  )('for the function "%s" and a body of %i MB (%s)', async (part, megabytes, kind) => {
    const text = 'x'.repeat(megabytes * 1e6);
    const refused = {
      line: `POST /api/${part} HTTP/1.1`,
      ...(kind === 'declared'
        ? { headers: { ...headers, 'Content-Length': text.length }, body: text }
        : {
            headers: { ...headers, 'Transfer-Encoding': 'chunked' },
            body: `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
          }),
    };
    expect(await exchangeInTurn(host.port, [refused, hello])).toEqual([
      'HTTP/1.1 413 Payload Too Large',
      'HTTP/1.1 200 OK',
    ]);
    expect((await exchange(host.port, hello))?.statusLine).toBe('HTTP/1.1 200 OK');
  });
});
