import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createGzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { createGate } from '../support/gate.js';
import { SseConnection } from '../support/sse-connection.js';

/** Compresses responses unless they forbid it (RFC 9111, no-transform). It does not flush, so small writes are delayed. */
function createCompressingProxy(target: URL): http.Server {
  return http.createServer((request, response) => {
    const upstream = http.request(
      { host: target.hostname, port: target.port, path: request.url, method: request.method, headers: request.headers },
      (answer) => {
        const mayTransform = !(answer.headers['cache-control'] ?? '').includes('no-transform');
        const encoding = mayTransform ? { 'content-encoding': 'gzip' } : {};
        response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...encoding });
        if (mayTransform) answer.pipe(createGzip()).pipe(response);
        else answer.pipe(response);
      },
    );
    request.pipe(upstream);
  });
}

describe('a stream behind a proxy that compresses', () => {
  const mayEnd = createGate();
  let app: AppWithModel;
  let proxy: http.Server;

  beforeAll(async () => {
    app = await startAppWithModel(() => ({ pieces: ['one', 'two', mayEnd.opened, 'three'] }));
    proxy = createCompressingProxy(new URL(app.app.baseUrl)).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
  });

  afterAll(async () => {
    proxy.close();
    await app.stop();
  });

  it('delivers events while the run continues', async () => {
    const { port } = proxy.address() as AddressInfo;
    const threadId = newThreadId();
    const url = `http://127.0.0.1:${port}/api/agents/CallbackAgent/callbacks/${threadId}/stream`;
    const reader = await SseConnection.open(url, { headers: { 'accept-encoding': 'gzip' } });
    expect(reader.headers).not.toHaveProperty('content-encoding');
    const run = app.api.ask(threadId, 'Hello');
    await reader.until(({ events }) => events.length >= 1);
    expect(reader.names).not.toContain('final');
    mayEnd.open();
    await run;
    await reader.until(({ names }) => names.includes('final'));
    reader.leave();
  });
});
