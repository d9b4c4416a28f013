import { HttpRequest } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import { readRequestBody } from '../../../src/durable-agents/http/request-body.js';
import { httpRequest } from '../../support/http-request.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const MIB = 1024 * 1024;

describe('a request body', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    ' Application/JSON ;charset=utf-8',
    'application/json, application/json',
    'application/problem+json',
    'APPLICATION/VND.API+JSON',
  ])('of type "%s" is JSON', async (type) => {
    const body = await readRequestBody(httpRequest({ body: '{"message":"Hi"}', headers: { 'content-type': type } }));

    expect(body).toEqual({ kind: 'json', fields: { message: 'Hi' } });
  });

  it.each(['text/plain', 'application/xml', 'application/jsonp', 'text/json', 'application/json-seq'])(
    'of type "%s" is text, trimmed',
    async (type) => {
      const body = await readRequestBody(
        httpRequest({ body: '\n {"message":"Hi"} \t', headers: { 'content-type': type } }),
      );

      expect(body).toEqual({ kind: 'text', text: '{"message":"Hi"}' });
    },
  );

  describe.each([
    ['no type', undefined],
    ['the type of a form', 'application/x-www-form-urlencoded'],
    ['the type of a form with a charset', 'Application/X-WWW-Form-Urlencoded; charset=utf-8'],
  ])('of %s', (_what, type) => {
    const read = (body: string) =>
      readRequestBody(httpRequest({ body, headers: type === undefined ? {} : { 'content-type': type } }));

    it('is JSON if it is an object with a message', async () => {
      const fields = { message: null, thread_id: 'a' };

      expect(await read(`\n${JSON.stringify(fields)} `)).toEqual({ kind: 'json', fields });
    });

    it.each(['Hi', '{"message":', '{"text":"Hi"}', '["message"]', '"message"', 'null', '1', 'message=Hi'])(
      'is text otherwise: %s',
      async (body) => {
        expect(await read(` ${body}\n`)).toEqual({ kind: 'text', text: body });
      },
    );
  });

  it.each([
    ['multipart/form-data; boundary=x', {}, 'expected JSON or text, not a multipart form.'],
    ['application/json', { 'content-encoding': 'gzip' }, 'expected it without compression (content-encoding).'],
    ['text/plain', { 'content-encoding': 'BR' }, 'expected it without compression (content-encoding).'],
  ])('of type %s and with the headers %j is rejected', async (type, headers, problem) => {
    const reading = readRequestBody(httpRequest({ body: '--x', headers: { 'content-type': type, ...headers } }));

    await expect(reading).rejects.toMatchObject({ status: 415, message: `Invalid request body: ${problem}` });
  });

  it('may declare that it is not compressed', async () => {
    const request = httpRequest({ body: '{}', headers: { ...JSON_TYPE, 'content-encoding': 'identity' } });

    expect(await readRequestBody(request)).toEqual({ kind: 'json', fields: {} });
  });

  it('may be absent', async () => {
    expect(await readRequestBody(httpRequest({}))).toEqual({ kind: 'text', text: '' });
  });

  it.each([
    { what: 'malformed', body: '{"message":', message: 'Invalid JSON' },
    { what: 'absent', body: '', message: 'Invalid JSON' },
    {
      what: 'not UTF-8',
      body: Buffer.from('{"message":"\xff"}', 'latin1'),
      message: 'Invalid request body: expected UTF-8.',
    },
    { what: 'an array', body: '[]', message: 'Invalid JSON payload. Expected an object.' },
    { what: 'a string', body: '"Hi"', message: 'Invalid JSON payload. Expected an object.' },
    { what: 'null', body: 'null', message: 'Invalid JSON payload. Expected an object.' },
  ])('of JSON that is $what is rejected', async ({ body, message }) => {
    const reading = readRequestBody(httpRequest({ body, headers: JSON_TYPE }));

    await expect(reading).rejects.toMatchObject({ name: 'HttpError', status: 400, message });
  });

  it('of text that is not UTF-8 is rejected', async () => {
    const reading = readRequestBody(httpRequest({ body: Buffer.from([0x48, 0x69, 0xff]) }));

    await expect(reading).rejects.toMatchObject({
      name: 'HttpError',
      status: 400,
      message: expect.stringContaining('UTF-8'),
    });
  });

  it('may start with a byte order mark', async () => {
    const body = await readRequestBody(httpRequest({ body: '\uFEFF{"message":"Hi"}', headers: JSON_TYPE }));

    expect(body).toEqual({ kind: 'json', fields: { message: 'Hi' } });
  });

  it.each(['constructor', 'toString', 'hasOwnProperty'])('may contain a field named %s', async (name) => {
    expect(await readRequestBody(httpRequest({ json: { [name]: 1 } }))).toMatchObject({ kind: 'json' });
  });

  it('ignores fields of the prototype', async () => {
    const body = await readRequestBody(httpRequest({ body: '{"__proto__":{"message":"Hi"}}', headers: JSON_TYPE }));

    expect(body.kind === 'json' && body.fields['message']).toBeUndefined();
  });

  it('is accepted at 1 MiB, and rejected one byte above', async () => {
    await expect(readRequestBody(httpRequest({ body: 'x'.repeat(MIB) }))).resolves.toMatchObject({ kind: 'text' });
    await expect(readRequestBody(httpRequest({ body: 'x'.repeat(MIB + 1) }))).rejects.toMatchObject({
      status: 413,
      message: expect.stringContaining(String(MIB)),
    });
  });

  it('is joined from its chunks, even if they split a character', async () => {
    const bytes = Buffer.from('{"message":"Grüße 🌞"}');

    const body = await readRequestBody(chunked([...bytes].map((byte) => Uint8Array.of(byte)).values()));

    expect(body).toEqual({ kind: 'json', fields: { message: 'Grüße 🌞' } });
  });

  it('is not read beyond 1 MiB, however long it is', async () => {
    let chunkCount = 0;
    function* endless() {
      for (;;) {
        chunkCount += 1;
        yield new Uint8Array(64 * 1024);
      }
    }

    await expect(readRequestBody(chunked(endless()))).rejects.toMatchObject({ status: 413 });
    expect(chunkCount).toBeLessThan(25);
  });
});

/** A JSON request whose body arrives in these chunks, as it does with HTTP streaming. */
function chunked(chunks: Iterable<Uint8Array>): HttpRequest {
  const nativeRequest = new Request('http://localhost:7071/api/agents/CallbackAgent/run', {
    method: 'POST',
    headers: JSON_TYPE,
    body: ReadableStream.from(chunks),
    duplex: 'half',
  });
  const init: object = { nativeRequest };
  return new HttpRequest(init);
}
