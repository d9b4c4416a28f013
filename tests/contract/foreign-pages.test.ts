import { describe, expect, inject, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { contractApi } from './contract-target.js';

const RUN = 'agents/CallbackAgent/run';
const foreign = { origin: 'http://page.example', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };

// The local Functions host requires no key. Without these rules every page in the browser could use the app. A real
// host relies on keys instead.
describe.skipIf(inject('baseUrl'))('a web page of another site', () => {
  const api = contractApi();

  it('cannot run the agent with a plain form', async () => {
    const threadId = newThreadId();
    const headers = { ...foreign, 'content-type': 'text/plain' };
    const answer = await api.post('Tell me a secret', { query: `?thread_id=${threadId}`, headers });
    expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('http://page.example') });
    expect(await api.events(threadId)).toEqual([]);
  });

  it.each([
    ['POST', `/api/${RUN}`],
    ['DELETE', '/api/agents/CallbackAgent/callbacks/some-thread'],
    ['POST', '/runtime/webhooks/durabletask/entities/dafx-CallbackAgent/some-thread?op=reset'],
    ['DELETE', '/runtime/webhooks/durabletask/entities/dafx-CallbackAgent/some-thread'],
    ['POST', '/admin/functions/purge_callback_events'],
    ['POST', '/nothing/there'],
  ])('cannot send %s %s', async (method, path) => {
    expect(await api.callHost(method, path, { ...foreign, 'content-length': '0' })).toMatchObject({ status: 403 });
    const asNavigation = { 'sec-fetch-site': 'cross-site', 'content-length': '0' };
    expect(await api.callHost(method, path, asNavigation)).toMatchObject({ status: 403 });
  });

  it.each([
    '/',
    '/api/health',
    '/api/dashboard',
    '/api/agents/CallbackAgent/threads',
    '/runtime/webhooks/durabletask/entities',
    '/admin/functions/purge_callback_events',
  ])('cannot read %s through a host name of its own that resolves to this machine', async (path) => {
    expect(await api.callHost('GET', path, { host: 'rebound.example:7071' })).toMatchObject({ status: 403 });
  });
});
