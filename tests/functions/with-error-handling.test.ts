import { InvocationContext } from '@azure/functions';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { HttpError } from '../../src/functions/http-error.js';
import type { Logger } from '../../src/functions/logger.js';
import { UnavailableError } from '../../src/functions/unavailable-error.js';
import { withErrorHandling } from '../../src/functions/with-error-handling.js';
import { httpRequest } from '../support/http-request.js';

function invocation() {
  const logLines: string[] = [];
  const context = new InvocationContext({
    functionName: 'health_check',
    invocationId: 'invocation-1',
    logHandler: (level, ...words) => void logLines.push(`${level} ${words.join(' ')}`),
  });
  return { context, logLines };
}

const get = () => httpRequest({ method: 'GET' });

describe('withErrorHandling', () => {
  it('passes a response through', async () => {
    const handle = withErrorHandling(() => ({ status: 204 }));

    expect(await handle(get(), invocation().context)).toEqual({ status: 204 });
  });

  it('turns an HttpError into its status and message with no-store, and logs nothing', async () => {
    const { context, logLines } = invocation();
    const handle = withErrorHandling(() => Promise.reject(new HttpError(404, 'There is no such agent.')));

    expect(await handle(get(), context)).toEqual({
      status: 404,
      headers: { 'cache-control': 'no-store' },
      jsonBody: { error: 'There is no such agent.' },
    });
    expect(logLines).toEqual([]);
  });

  it('sends Retry-After for an HttpError that has one', async () => {
    const handle = withErrorHandling(() => Promise.reject(new HttpError(503, 'Too many.', { retryAfterSeconds: 5 })));

    expect(await handle(get(), invocation().context)).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  });

  it('turns an UnavailableError into 503 with Retry-After, and logs the cause', async () => {
    const { context, logLines } = invocation();
    const error = new UnavailableError('The store is unreachable.', { cause: new Error('ECONNREFUSED') });
    const handle = withErrorHandling(() => Promise.reject(error));

    expect(await handle(get(), context)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '2' },
      jsonBody: { error: 'The store is unreachable.' },
    });
    expect(logLines).toEqual([
      'warning [health_check] invocation invocation-1 responds 503: The store is unreachable. Cause: Error: ECONNREFUSED',
    ]);
  });

  it.each([
    [new Error('ECONNREFUSED'), 'Error: ECONNREFUSED'],
    [{ code: 'gone' }, "{ code: 'gone' }"],
  ])('logs the cause of a server error: %s', async (cause, words) => {
    const { context, logLines } = invocation();
    const handle = withErrorHandling(() => Promise.reject(new HttpError(503, 'The store is unreachable.', { cause })));

    expect(await handle(get(), context)).toMatchObject({
      status: 503,
      jsonBody: { error: 'The store is unreachable.' },
    });
    expect(logLines).toEqual([
      `warning [health_check] invocation invocation-1 responds 503: The store is unreachable. Cause: ${words}`,
    ]);
  });

  it('does not log the cause of a client error', async () => {
    const { context, logLines } = invocation();
    const handle = withErrorHandling(() =>
      Promise.reject(new HttpError(400, 'Invalid JSON', { cause: new Error('at 1') })),
    );

    await handle(get(), context);

    expect(logLines).toEqual([]);
  });

  it.each([new Error('secret-key'), new TypeError('secret-key'), 'secret-key', undefined])(
    'turns any other error (%s) into a generic 500, and logs it with the invocation id',
    async (thrown) => {
      const { context, logLines } = invocation();
      const handle = withErrorHandling(() => {
        throw thrown;
      });

      const answer = await handle(get(), context);

      expect(answer).toMatchObject({ status: 500, jsonBody: { error: expect.stringContaining('invocation-1') } });
      expect(JSON.stringify(answer)).not.toContain('secret-key');
      expect(logLines).toEqual([expect.stringMatching(/^error \[health_check\] invocation invocation-1 failed: /)]);
      expect(logLines[0]).toContain(thrown === undefined ? 'undefined' : 'secret-key');
    },
  );

  it('rejects a request whose headers are hidden, without calling the handler', async () => {
    const request = get();
    request.headers.delete('host');
    const handle = withErrorHandling(() => {
      throw new Error('called');
    });

    expect(await handle(request, invocation().context)).toMatchObject({
      status: 400,
      jsonBody: { error: expect.stringContaining('"headers"') },
    });
  });

  it.each(['returns', 'throws'])('logs to the invocation until the handler %s', async (how) => {
    const onConsole = vi.spyOn(console, 'log').mockReturnValue();
    onTestFinished(() => onConsole.mockRestore());
    const { context, logLines } = invocation();
    const logs: Logger[] = [];
    const handle = withErrorHandling(async (_request, _context, log) => {
      logs.push(log);
      await new Promise(setImmediate);
      log.info('during');
      if (how === 'throws') throw new HttpError(404, 'Not found.');
      return {};
    });

    await handle(get(), context);
    logs[0]?.info('after');

    expect(logLines).toEqual(['information during']);
    expect(onConsole.mock.calls).toEqual([['after']]);
  });
});
