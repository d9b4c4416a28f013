import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer, startServer, type LoopbackServer } from '../../../local/functions-host/http-server.js';
import {
  decodePath,
  encodeUrlForForwarding,
  encodeUrlForFunction,
} from '../../../local/functions-host/server-quirks.js';
import { exchange, type RawAnswer } from './support/raw-http.js';

describe('the HTTP server answers like the real host to', () => {
  let server: LoopbackServer;
  beforeAll(async () => {
    server = await startServer({
      port: 0,
      handle: async (request, response) => {
        const seen = { path: request.path, query: request.query, headers: Object.fromEntries(request.headers) };
        answer(response, 200, { 'Content-Type': 'application/json' }, JSON.stringify(seen));
      },
      onError: (error) => expect.fail(String(error)),
    });
  });
  afterAll(async () => server.close());

  const ask = async (
    line: string,
    headers: Readonly<Record<string, string>> = { Host: 'localhost' },
  ): Promise<RawAnswer | undefined> => exchange(server.port, { line, headers: { ...headers, Connection: 'close' } });
  const status = async (line: string, headers?: Readonly<Record<string, string>>): Promise<number> =>
    Number((await ask(line, headers))?.statusLine.split(' ')[1]);

  test.each([
    ['a request line of 8192 bytes', `GET /${'x'.repeat(8192 - 'GET / HTTP/1.1\r\n'.length)} HTTP/1.1`, 200],
    ['a request line of 8193 bytes', `GET /${'x'.repeat(8193 - 'GET / HTTP/1.1\r\n'.length)} HTTP/1.1`, 414],
    ['a URL of two megabytes', `GET /${'x'.repeat(2_000_000)} HTTP/1.1`, 431],
    ['a NUL in the path', 'GET /a%00b HTTP/1.1', 400],
    ['raw UTF-8 in the path', 'GET /é HTTP/1.1', 400],
    ['a target without a slash', 'GET x HTTP/1.1', 400],
    ['an absolute URL as the target', 'GET http://localhost/x HTTP/1.1', 200],
    ['an absolute URL of another host', 'GET http://elsewhere/x HTTP/1.1', 400],
    ['an asterisk as the target', 'OPTIONS * HTTP/1.1', 404],
    ['an unknown method', 'FROBNICATE /x HTTP/1.1', 404],
    ['an invalid method', 'F@OO /x HTTP/1.1', 400],
    ['a missing version', 'GET /x', 400],
    ['an unknown version', 'GET /x HTTP/1.2', 505],
    ['HTTP/1.0 without a length', 'POST /x HTTP/1.0', 400],
    ['HTTP/1.1 without a length', 'POST /x HTTP/1.1', 200],
  ])('%s', async (_name, line, expected) => {
    expect(await status(line)).toBe(expected);
  });

  test.each([
    ['a missing Host header', {}, 400],
    ['an invalid Host header', { Host: 'a b' }, 400],
    ['a Host header with a port', { Host: 'localhost:7071' }, 200],
    ['a Host header with an IPv6 address', { Host: '[::1]:7071' }, 200],
    [
      '32 KiB of headers',
      { Host: 'localhost', X: 'z'.repeat(32_768 - 'Host: localhost\r\nX: \r\nConnection: close\r\n\r\n'.length) },
      200,
    ],
    [
      'headers of 32 KiB and one byte',
      { Host: 'localhost', X: 'z'.repeat(32_769 - 'Host: localhost\r\nX: \r\nConnection: close\r\n\r\n'.length) },
      431,
    ],
    ['a hundred headers', manyHeaders(98), 200],
    ['a hundred and one headers', manyHeaders(99), 431],
  ])('%s', async (_name, given, expected) => {
    expect(await status('GET /x HTTP/1.1', given)).toBe(expected);
  });

  test('UTF-8 in headers', async () => {
    const seen = JSON.parse(
      (await ask('GET /x HTTP/1.1', { Host: 'localhost', Name: 'k\u00E9y-你好' }))?.body ?? '',
    ) as { headers: object };
    expect(seen.headers).toMatchObject({ name: 'k\u00E9y-你好' });
  });

  test('functions with unknown statuses, which have no reason phrase', async () => {
    const phrases = await startServer({
      port: 0,
      handle: async (request, response) => answer(response, Number(request.path.slice(1))),
      onError: () => undefined,
    });
    const lines = await Promise.all(
      ['418', '599', '404'].map(
        async (code) =>
          (
            await exchange(phrases.port, {
              line: `GET /${code} HTTP/1.1`,
              headers: { Host: 'localhost', Connection: 'close' },
            })
          )?.statusLine,
      ),
    );
    expect(lines).toEqual(["HTTP/1.1 418 I'm a teapot", 'HTTP/1.1 599 ', 'HTTP/1.1 404 Not Found']);
    await phrases.close();
  });

  test.each([
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/a/b/..', '/a/'],
    ['/a/%2e%2E/b', '/b'],
    ['/../../a', '/a'],
    ['/a/...', '/a/...'],
  ])('the path %s, which it normalizes to %s', async (path, expected) => {
    expect(JSON.parse((await ask(`GET ${path} HTTP/1.1`))?.body ?? '')).toMatchObject({ path: expected });
  });

  test('query parameters, whose order it keeps and whose case it ignores', async () => {
    const seen = JSON.parse((await ask('GET /x?b=1&&A=%2F+%ZZ&a=2&=e&c HTTP/1.1'))?.body ?? '') as unknown;
    expect(seen).toMatchObject({
      query: [
        { name: 'b', values: ['1'] },
        { name: 'A', values: ['/ %ZZ', '2'] },
        { name: '', values: ['e'] },
        { name: 'c', values: [''] },
      ],
    });
  });
});

describe('the path of a URL', () => {
  test.each([
    ['/%41%20%C3%A9%F0%9F%98%80', '/A é😀'],
    ['/a%2Fb%2fc', '/a%2Fb%2fc'],
    ['/a%252Fb', '/a%2Fb'],
    ['/%ZZ%2%', '/%ZZ%2%'],
    ['/%FF%C3', '/%FF%C3'],
    ['/%C3%41', '/%C3A'],
    ['/%C0%AF', '/%C0%AF'],
    ['/%ED%A0%80', '/%ED%A0%80'],
  ])('%s is decoded to %s', (path, expected) => {
    expect(decodePath(path)).toBe(expected);
  });

  test('is decoded to any encoded text, except for an encoded slash and NUL', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const encoded = encodeURIComponent(value).replaceAll('%2F', '/').replaceAll('%00', '');
        expect(decodePath(encoded)).toBe(value.replaceAll('\0', ''));
      }),
    );
  });

  test('can be encoded again for both ways to a function', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.webQueryParameters(), (value, query) => {
        const request = { path: `/${value}`, queryText: `?${query}` };
        for (const encode of [encodeUrlForFunction, encodeUrlForForwarding]) {
          expect(encode(request)).toMatch(/^\/[!-~]*$/);
        }
        expect(decodePath(encodeUrlForForwarding({ ...request, queryText: '' }).replaceAll('%252F', '%2F'))).toBe(
          value.includes('\0') ? undefined : request.path.replaceAll('%252F', '%2F'),
        );
      }),
    );
  });
});

function manyHeaders(count: number): Readonly<Record<string, string>> {
  return {
    Host: 'localhost',
    ...Object.fromEntries(Array.from({ length: count }, (_value, index) => [`X-${index}`, '1'])),
  };
}
