import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type Operation, operations } from '../../src/api/operations.js';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';
import type { HttpAnswer } from '../support/http-exchange.js';

const projectFolder = path.resolve(__dirname, '../..');
const run = promisify(execFile);

interface Content {
  readonly schema: { readonly $ref?: string };
}

interface Described {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, { responses: Record<string, { content?: Record<string, Content> }> }>>;
  readonly components: { readonly schemas: Record<string, Parameters<typeof z.fromJSONSchema>[0]> };
}

let target: AppWithModel;
let document: Described;
const failing = { status: 400, body: { error: { code: 'content_filter', message: 'No.' } } };

beforeAll(async () => {
  target = await startAppWithModel((message) => (message === 'Fail' ? failing : echoed(message)));
  const answer = await target.api.call('GET', 'openapi.json');
  document = JSON.parse(answer.text) as Described;
});

afterAll(() => target.stop());

/** Describes how a response deviates from the OpenAPI document. Undefined if it conforms. */
function mismatch({ path: route, method, id }: Operation, { status, headers, text }: HttpAnswer): string | undefined {
  const response = document.paths[route]?.[method]?.responses[status];
  if (response === undefined) return `${id}: status ${status} is not described: ${text}`;
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';');
  const content = response.content?.[mediaType];
  if (response.content === undefined) return text === '' ? undefined : `${id}: a body is not described: ${text}`;
  if (content === undefined) return `${id}: the media type ${mediaType} is not described`;
  const name = (content.schema.$ref ?? '').replace('#/components/schemas/', '');
  if (name === '') return undefined;
  const parsed = z.fromJSONSchema(document.components.schemas[name] ?? false).safeParse(JSON.parse(text));
  return parsed.success ? undefined : `${id}: ${z.prettifyError(parsed.error)} in ${text}`;
}

describe('GET openapi.json', () => {
  it('describes the answers of each route', async () => {
    const { api } = target;
    const threadId = newThreadId();
    const inThread = `agents/CallbackAgent/threads/${threadId}`;
    const callbacks = `agents/CallbackAgent/callbacks/${threadId}`;
    const said = await api.run({ message: 'Hello', thread_id: threadId });
    const { correlation_id: runId } = JSON.parse(said.text) as { readonly correlation_id: string };
    const page = await api.call('GET', 'dashboard');
    const [, asset = ''] = /"dashboard\/(main-[^"]+\.js)"/.exec(page.text) ?? [];
    const calls: Readonly<Record<string, () => Promise<readonly HttpAnswer[]>>> = {
      runAgent: async () => [
        said,
        await api.run({ message: 'Hello', wait_for_response: false }),
        await api.run({ message: 'Fail' }),
        await api.run({ message: '' }),
      ],
      listThreads: async () => [
        await api.call('GET', 'agents/CallbackAgent/threads'),
        await api.call('GET', 'agents/Other/threads'),
      ],
      getStats: async () => [
        await api.call('GET', 'agents/CallbackAgent/stats'),
        await api.call('GET', 'agents/CallbackAgent/stats?bucket=x'),
      ],
      getThread: async () => [
        await api.call('GET', inThread),
        await api.call('GET', `${inThread}?limit=0`),
        await api.call('GET', `${inThread}-unknown`),
      ],
      listRuns: async () => [await api.call('GET', `${inThread}/runs`)],
      getRun: async () => [
        await api.call('GET', `${inThread}/runs/${runId}`),
        await api.call('GET', `${inThread}/runs/${'0'.repeat(32)}`),
      ],
      cancelRun: async () => [await api.call('POST', `${inThread}/runs/${runId}/cancel`)],
      listApprovals: async () => [await api.call('GET', `${inThread}/approvals`)],
      decideApproval: async () => [
        await api.call('POST', `${inThread}/approvals/unknown`, {}, '{"approved":true}'),
        await api.call('POST', `${inThread}/approvals/unknown`, {}, '{"approved":"yes"}'),
      ],
      listEvents: async () => [
        await api.call('GET', callbacks),
        await api.call('GET', `${callbacks}?request_message=once`),
        await api.call('GET', `${callbacks}?limit=x`),
      ],
      streamEvents: async () => [
        await api.call('GET', `${callbacks}/stream?correlation_id=${runId}&until=run-end`),
        await api.call('GET', `${callbacks}/stream?correlation_id=${runId}&until=run-end&after=1000`),
      ],
      exportEvents: async () => [
        await api.call('GET', `${callbacks}/export`),
        await api.call('GET', `${callbacks}/export?format=csv`),
      ],
      clearEvents: async () => [await api.call('DELETE', callbacks)],
      deleteThread: async () => [await api.call('DELETE', inThread)],
      getHealth: async () => [await api.call('GET', 'health')],
      getApiDescription: async () => [await api.call('GET', 'openapi.json')],
      getDashboard: async () => [page],
      getDashboardAsset: async () => [
        await api.call('GET', `dashboard/${asset}`),
        await api.call('GET', 'dashboard/x'),
      ],
    };

    const problems: (string | undefined)[] = [];
    for (const operation of operations) {
      const answers = await calls[operation.id]?.();
      if (answers === undefined) problems.push(`${operation.id} is not called by this test`);
      for (const answer of answers ?? []) problems.push(mismatch(operation, answer));
    }
    expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
  });

  it('lists the agents, the parameters and the location of the key', () => {
    expect(document).toMatchObject({
      openapi: '3.1.1',
      servers: [{ url: '/api' }],
      components: { securitySchemes: { keyHeader: { name: 'x-functions-key' } } },
    });
    expect(document.paths['/agents/{agentName}/threads/{thread_id}']?.['get']).toMatchObject({
      parameters: [
        { name: 'agentName', in: 'path', required: true, schema: { enum: expect.arrayContaining(['CallbackAgent']) } },
        { name: 'thread_id', in: 'path', required: true },
        { name: 'limit', in: 'query', required: false, schema: { type: 'integer', minimum: 1, maximum: 1000 } },
        { name: 'before', in: 'query', required: false },
      ],
    });
  });

  it('lets openapi-typescript generate a typed client', async () => {
    const folder = await mkdtemp(path.join(projectFolder, 'dist', 'openapi-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const [json, types, client] = ['openapi.json', 'api.ts', 'client.ts'].map((file) => path.join(folder, file));
    await writeFile(json ?? '', JSON.stringify(document));
    await writeFile(
      client ?? '',
      [
        "import type { components, paths } from './api.js';",
        "export const message = (run: components['schemas']['AnsweredRun']): string => run.response;",
        "type Page = paths['/agents/{agentName}/threads/{thread_id}']['get']['responses'][200]['content'];",
        "export const texts = (page: Page['application/json']): string[] => page.messages.map(({ text }) => text);",
        "type Query = NonNullable<paths['/agents/{agentName}/threads/{thread_id}']['get']['parameters']['query']>;",
        'export const query: Query = { limit: 5 };',
      ].join('\n'),
    );

    const hook = path.join(projectFolder, 'tests/support/typescript-api.mjs');
    const tool = path.join(projectFolder, 'node_modules/openapi-typescript/bin/cli.js');
    await run(process.execPath, ['--import', hook, tool, json ?? '', '-o', types ?? '']);
    const compiler = path.join(projectFolder, 'node_modules/typescript/lib/tsc.js');
    const compiling = run(process.execPath, [
      compiler,
      '--ignoreConfig',
      '--strict',
      '--noEmit',
      '--module',
      'node20',
      client ?? '',
    ]);
    await expect(compiling).resolves.toMatchObject({ stdout: '' });
  });
});
