import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AppWithModel, startAppWithModel } from './support/app-with-model.js';
import { offlineAnswer } from './support/offline-answer.js';

const PACKAGE = path.resolve(__dirname, '..');
const HTTPYAC = path.join(PACKAGE, 'node_modules', 'httpyac', 'bin', 'httpyac.js');
const BASE_URL_LINE = '@baseUrl = http://localhost:7071\n';

/** The output of httpyac for a request, with `--json --output exchange`. */
interface Exchange {
  readonly response: {
    readonly statusCode: number;
    readonly body?: string;
    readonly request: { readonly method: string; readonly url: string; readonly headers: Record<string, string> };
  };
}

describe('demo.http', () => {
  let target: AppWithModel;
  let folder: string;
  let text: string;
  let exchanges: readonly Exchange['response'][];

  beforeAll(async () => {
    target = await startAppWithModel(offlineAnswer);
    folder = await mkdtemp(path.join(tmpdir(), 'demo-http-'));
    text = await readFile(path.join(PACKAGE, 'demo.http'), 'utf8');
    // Variables in the file override --var, so the test writes its port into the file.
    await writeFile(path.join(folder, 'demo.http'), text.replace(BASE_URL_LINE, `@baseUrl = ${target.app.baseUrl}\n`));
    const commandLine = [HTTPYAC, 'send', 'demo.http', '--all', '--json', '--output', 'exchange'];
    const { stdout } = await promisify(execFile)(process.execPath, commandLine, { cwd: folder });
    const { requests } = JSON.parse(stdout) as { readonly requests: readonly Exchange[] };
    exchanges = requests.map(({ response }) => response);
  });

  afterAll(async () => {
    await target.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('uses the default address of the app', () => {
    expect(text).toContain(BASE_URL_LINE);
  });

  it('covers health, runs with their events and status, the conversation, and deletion', () => {
    const refunds = '/api/agents/RefundAgent/threads/test-thread-00';
    const events = '/api/agents/CallbackAgent/callbacks/test-thread-00';
    const thread = '/api/agents/CallbackAgent/threads/test-thread-00';
    const run = `${thread}/runs/16609b75bc5a840603f4c54f8f6a60de`;
    expect(
      exchanges.map(({ request, statusCode }) => `${request.method} ${new URL(request.url).pathname} ${statusCode}`),
    ).toEqual([
      'GET /api/health 200',
      'POST /api/agents/CallbackAgent/run 200',
      `GET ${events} 200`,
      'POST /api/agents/CallbackAgent/run 200',
      'POST /api/agents/CallbackAgent/run 202',
      // The model may finish before the cancellation arrives.
      expect.stringMatching(new RegExp(`^POST ${run}/cancel (202|409)$`)),
      `GET ${run} 200`,
      `GET ${thread}/runs 200`,
      'POST /api/agents/CallbackAgent/run 200',
      'GET /api/agents/CallbackAgent/threads 200',
      'GET /api/agents/CallbackAgent/stats 200',
      `GET ${thread} 200`,
      `DELETE ${events} 204`,
      `DELETE ${thread} 204`,
      'POST /api/agents/WeatherAgent/run 200',
      'GET /api/agents/WeatherAgent/callbacks/test-thread-00 200',
      'POST /api/agents/MathAgent/run 200',
      'POST /api/agents/CallbackAgent/run 200',
      'POST /api/agents/RefundAgent/run 202',
      `GET ${refunds}/approvals 200`,
      expect.stringMatching(new RegExp(`^POST ${refunds}/approvals/[0-9a-f]{32} 202$`)),
      'GET /api/agents/RefundAgent/callbacks/test-thread-00 200',
      'GET /api/openapi.json 200',
    ]);
  });

  it('asks for the weather in Paris, and reads the events of that run', () => {
    const [, run, events] = exchanges.map(({ body }) => body ?? '');
    const { message, thread_id: threadId, correlation_id: id } = JSON.parse(run ?? '');
    expect(message).toMatch(/weather.*Paris.*streaming callbacks/);
    expect(threadId).toBe('test-thread-00');
    const page = JSON.parse(events ?? '');
    expect(page).toHaveLength(5);
    expect(page[0]).toMatchObject({ event_type: 'stream', correlation_id: id });
  });

  it('reads a second answer while it streams in', () => {
    const body = exchanges[3]?.body ?? '';
    expect(body.match(/^event: (stream|final|result)$/gm)?.length).toBeGreaterThan(2);
    expect(body).toMatch(/event: final\n[\s\S]*event: result\n/);
  });

  /** The JSON of the last response from a path with this ending. */
  function bodyOf(ending: string) {
    const answer = exchanges.findLast(({ request }) => new URL(request.url).pathname.endsWith(ending));
    return JSON.parse(answer?.body ?? '');
  }

  it('shows tool calls, a sum and a structured answer', () => {
    expect(bodyOf('/WeatherAgent/callbacks/test-thread-00')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          update_kind: 'tool_call',
          tool_name: 'get_weather',
          arguments: { location: 'Paris' },
        }),
        expect.objectContaining({ update_kind: 'tool_result', result: expect.objectContaining({ location: 'Tokyo' }) }),
      ]),
    );
    expect(bodyOf('/MathAgent/run').response).toContain('"value":98');
    expect(bodyOf('/CallbackAgent/run').structured_response).toEqual({
      title: 'My invoice of May is wrong.',
      category: 'billing',
    });
  });

  it('sends a function key with every request', () => {
    expect(exchanges.map(({ request }) => request.headers)).toEqual(
      exchanges.map(() => expect.objectContaining({ 'x-functions-key': expect.stringMatching(/./) })),
    );
  });
});
