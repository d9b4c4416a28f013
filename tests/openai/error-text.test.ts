import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { API_KEY, chatAgent, type Question } from '../support/ask-model.js';
import { listenOnLoopback } from '../support/listen-on-loopback.js';
import { content, finishChunk } from '../support/model-chunks.js';
import { answered, type ModelReply, rawStream, startModelServer, streamed } from '../support/model-server.js';
import { runAgentOnce } from '../support/run-agent-once.js';

const AT_ONCE = { 'x-should-retry': 'false' };

async function shownAndLogged(reply: (host: string | undefined) => ModelReply, question: Partial<Question>) {
  const { endpoint } = await startModelServer((response, request) => reply(request.headers.host)(response, request));
  const { response, log } = await runAgentOnce(chatAgent({ endpoint, ...question }));
  return {
    shown: JSON.stringify(response),
    lines: log.lines.map((line) => JSON.stringify(line)).join('\n'),
    endpoint,
  };
}

describe('the error text of a provider', () => {
  const TOKEN = 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJtb2RlbCJ9.c2lnbmF0dXJl';
  const careless = (host: string | undefined) =>
    `key ${API_KEY}, in part ${API_KEY.slice(0, 14)}***, token ${TOKEN}, Bearer abc.def, at http://${host}/openai and ${host}. ` +
    'You asked: my diagnosis\r\n[WARN] forged line\u202E\u0007';

  const replies: [string, (host: string | undefined) => ModelReply][] = [
    ['a rejection', (host) => answered(400, { error: { message: careless(host), code: careless(host) } })],
    ['a page', (host) => answered(500, `<html>${careless(host)}</html>`, AT_ONCE)],
    ['an error in a stream', (host) => streamed([{ error: { message: careless(host) } }])],
    ['an error after a piece', (host) => streamed([content('It'), { error: { message: careless(host) } }])],
    ['a finish reason', (host) => streamed([content('It'), finishChunk(careless(host))])],
    ['a chunk that is not JSON', (host) => rawStream([`data: {"choices": ${JSON.stringify(careless(host))}\n\n`])],
    ['a whole answer that is not JSON', (host) => answered(200, `{"choices": ${JSON.stringify(careless(host))}`)],
  ];

  it.each(replies)('appears in answer and log without secrets and control characters: %s', async (_what, reply) => {
    const { shown, lines, endpoint } = await shownAndLogged(reply, {});

    for (const secret of [API_KEY, API_KEY.slice(0, 14), TOKEN, 'abc.def', new URL(endpoint).host]) {
      expect(shown).not.toContain(secret);
      expect(lines).not.toContain(secret);
    }
    expect(shown).not.toMatch(/\\r|\\n|\\u0007|\u202E/);
    expect(lines).not.toMatch(/\\r|\\n|\\u0007|\u202E/);
  });

  it.each(replies)('is omitted from the log if content is not logged: %s', async (_what, reply) => {
    const { lines } = await shownAndLogged(reply, { agent: { quotesErrors: false } });

    expect(lines).not.toContain('diagnosis');
    expect(lines).not.toContain('forged');
  });

  it('is logged with the status if content is logged', async () => {
    const { lines, shown } = await shownAndLogged(
      () => answered(400, { error: { message: 'You sent nonsense.' } }),
      {},
    );

    expect(lines).toContain('status 400');
    expect(lines).toContain('You sent nonsense.');
    expect(shown).not.toContain('nonsense');
  });
});

describe('a model that cannot be reached', () => {
  it('is named in the log with the reason, but not in the answer', async () => {
    const server = createServer();
    const { port } = new URL(await listenOnLoopback(server));
    await new Promise((resolve) => server.close(resolve));
    const endpoint = `http://localhost:${port}`;

    const { response, log } = await runAgentOnce(chatAgent({ endpoint }));

    expect(JSON.stringify(response)).toContain('connection_failed');
    expect(JSON.stringify(response)).not.toContain('localhost');
    expect(JSON.stringify(log.lines)).toMatch(new RegExp(`localhost:${port} could not be reached: .*ECONNREFUSED`));
  });
});
