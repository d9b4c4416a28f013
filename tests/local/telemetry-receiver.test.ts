import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ReceivedSpan } from '../../local/telemetry/otlp-spans.js';
import { receiveTraces } from '../../local/telemetry/receive-traces.js';
import { parseReceiverOptions } from '../../local/telemetry/receiver-options.js';
import { drawTracePicture } from '../../local/telemetry/trace-picture.js';
import { toTraceRows } from '../../local/telemetry/trace-rows.js';
import { drawTraceText } from '../../local/telemetry/trace-text.js';
import { AgentApi } from '../support/agent-api.js';
import { launchApp } from './support/launched.js';

function span(
  spanId: string,
  parentSpanId: string,
  startMs: number,
  endMs: number,
  fields: Partial<ReceivedSpan> = {},
) {
  const times = { startMs: 1_700_000_000_000 + startMs, endMs: 1_700_000_000_000 + endMs };
  const rest = { kind: 1, traceId: 'a'.repeat(32), attributes: {}, links: [], events: [], statusCode: 0 };
  return { name: spanId, spanId, parentSpanId, ...rest, ...times, ...fields };
}

describe('npm run telemetry:receiver', () => {
  it('shows a run with a tool call of the app as one trace, and draws it', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'telemetry-receiver-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const picture = path.join(folder, 'trace.svg');
    const receiver = launchApp(['--port', '0', '--svg', picture], {}, 'telemetry-receiver');
    const [, endpoint = ''] = /OTLP at (\S+)\./.exec(await receiver.printed(/OTLP at \S+\./)) ?? [];
    const app = launchApp(['--host', 'local', '--ephemeral', '--model', 'offline', '--port', '0'], {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    });
    const [, baseUrl = ''] = /^listening (\S+)$/m.exec(await app.printed(/^listening \S+$/m)) ?? [];

    const message = 'What is the weather in Paris?';
    const answer = await new AgentApi(baseUrl).run({ message, thread_id: 'demo' }, { agentName: 'WeatherAgent' });
    expect(answer.status).toBe(200);

    const output = await receiver.printed(/└── chat offline .*stop$/m);
    const { correlation_id: id } = JSON.parse(answer.text);
    const tree = output.slice(output.indexOf(`Trace ${id} (thread demo)`)).split('\n');
    expect(tree.slice(1, 5)).toEqual([
      expect.stringMatching(/^invoke_agent WeatherAgent .* ms {2}\d+ → \d+ tokens · stop$/),
      expect.stringMatching(/^├── chat offline .* ms {2}\d+ → \d+ tokens · tool_call$/),
      expect.stringMatching(/^├── execute_tool get_weather .* ms$/),
      expect.stringMatching(/^└── chat offline .* ms {2}\d+ → \d+ tokens · stop$/),
    ]);
    expect(output.match(/^Trace /gm)).toHaveLength(1);
    const svg = await readFile(picture, 'utf8');
    expect(svg.match(/<rect x=/g)).toHaveLength(4);

    receiver.signal('SIGTERM');
    expect(await receiver.ended).toBe(0);
  });

  it.each([
    [['--port', 'x'], '--port must be a number from 0 to 65535'],
    [['--port', '70000'], '--port must be a number from 0 to 65535'],
    [['now'], 'now: unexpected argument'],
  ])('rejects %j', (commandLine, problem) => {
    expect(() => parseReceiverOptions(commandLine)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(problem), exitCode: 2 }),
    );
  });
});

describe('the receiver of traces', () => {
  const json = { 'content-type': 'application/json' };

  it.each([
    ['protobuf', '/v1/traces', { 'content-type': 'application/x-protobuf' }, '', 415, 'http/json'],
    ['what is not JSON', '/v1/traces', json, '{', 400, 'OTLP'],
    ['what is not OTLP', '/v1/traces', json, '{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}', 400, 'OTLP'],
    ['another path', '/v1/logs', json, '{}', 404, '/v1/traces'],
  ])('refuses %s and says why', async (_what, target, headers, body, status, reason) => {
    const receiver = await receiveTraces({ port: 0, onRun: () => undefined });
    onTestFinished(() => receiver.close());
    const answer = await fetch(receiver.endpoint + target, { method: 'POST', headers, body });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(reason);
  });
});

describe('a drawn trace', () => {
  const run = { attributes: { 'gen_ai.operation.name': 'invoke_agent', 'durable_agent.attempt': 2 } };
  const failed = { statusCode: 2, attributes: { 'error.type': 'tool_timeout' } };

  it('has each span below its parent, sorted by start, with its time, and spans without a parent as roots', () => {
    const rows = toTraceRows([
      span('inner', 'tool', 500, 750, failed),
      span('chat', 'run', 0, 500),
      span('run', 'of the host', 0, 1000, run),
      span('tool', 'run', 500, 1000),
      span('other', '', 2000, 2000),
    ]);

    expect(drawTraceText(rows)).toEqual([
      'run            ████████████············   1,000 ms  attempt 2',
      '├── chat       ██████··················     500 ms',
      '└── tool       ······██████············     500 ms',
      '    └── inner  ······███···············     250 ms  failed: tool_timeout',
      'other          ·······················█       0 ms',
    ]);
  });

  it('shows names of spans as text', () => {
    const [name, escaped] = ['<script>&\u001B[2J', '&lt;script&gt;&amp;'];
    const rows = toTraceRows([span('run', '', 0, 1, { name })]);
    expect(drawTracePicture(rows)).toContain(escaped);
    expect(drawTracePicture(rows)).not.toContain('<script');
    expect(drawTraceText(rows)[0]).toMatch(/^<script>&\[2J  █/);
  });
});
