import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import type { Agent, RunTracer } from '../src/durable-agents/index.js';
import { createRunTracer } from '../src/telemetry/run-tracer.js';
import { Telemetry } from '../src/telemetry/telemetry.js';
import { type Figure, median } from './figure.js';

const ROUNDS = 300;
const UPDATES = 200;
const model = { name: 'gpt-4o', provider: 'azure.ai.openai', serverAddress: 'localhost', serverPort: 443 };
const agent: Agent = { name: 'BenchAgent', type: 'ChatAgent', model, run: () => ({ [Symbol.asyncIterator]: never }) };
const piece = { kind: 'text', text: 'word ' } as const;

/** Measures the cost of spans and metrics for a run: without an SDK, with a sink on loopback, and with content. */
export async function benchSpanCost(): Promise<Figure[]> {
  const without = measure(createRunTracer());
  const sink = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  }).listen(0, '127.0.0.1');
  await once(sink, 'listening');
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
  const settings = { serviceName: 'bench', capturesContent: false, metricIntervalMs: 60_000 };
  const telemetry = new Telemetry({ ...settings, otlpProtocol: 'http/json' }, console);
  await telemetry.start();
  try {
    return [
      ...toFigures('no SDK registered', without),
      ...toFigures('OTLP', measure(telemetry.tracer)),
      ...toFigures('OTLP with content', measure(createRunTracer({ capturesContent: true }))),
    ];
  } finally {
    await telemetry.stop();
    for (const api of [context, metrics, propagation, trace]) api.disable();
    delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
    sink.close();
  }
}

interface Cost {
  readonly perUpdateUs: number;
  readonly perRunUs: number;
}

/** Measures a run with one model call: the cost of its updates, and of its two spans. */
function measure(tracer: RunTracer): Cost {
  const perUpdateUs: number[] = [];
  const perRunUs: number[] = [];
  for (let round = -ROUNDS / 10; round < ROUNDS; round += 1) {
    const beganMs = performance.now();
    const run = tracer.startRun({
      agent,
      threadId: 'thread-1',
      correlationId: String(round + ROUNDS).padStart(32, '0'),
      attempt: 1,
      requestedAt: new Date().toISOString(),
      traceParent: undefined,
      redact: (text) => text,
    });
    const call = run.startModelCall({
      model,
      streaming: true,
      instructions: 'Be brief.',
      messages: [{ role: 'user', contents: [{ $type: 'text', text: 'How is the weather in Paris?' }] }],
      parameters: {},
      outputType: 'text',
    });
    const startedMs = performance.now();
    for (let update = 0; update < UPDATES; update += 1) call.chunk(piece);
    const updatedMs = performance.now();
    const usage = { inputTokenCount: 10, outputTokenCount: UPDATES, totalTokenCount: UPDATES + 10 };
    call.answered({ id: 'chatcmpl-1', model: model.name, finishReason: 'stop', calls: [], usage });
    run.answered({ text: 'Sunny.', messages: [], finishReason: 'stop', usage });
    const endedMs = performance.now();
    if (round < 0) continue; // warms up
    perUpdateUs.push(((updatedMs - startedMs) * 1000) / UPDATES);
    perRunUs.push((startedMs - beganMs + endedMs - updatedMs) * 1000);
  }
  return { perUpdateUs: median(perUpdateUs), perRunUs: median(perRunUs) };
}

function toFigures(sink: string, { perUpdateUs, perRunUs }: Cost): Figure[] {
  return [
    { name: `spans and metrics, ${sink}: per update`, measured: `${perUpdateUs.toFixed(2)} µs` },
    {
      name: `spans and metrics, ${sink}: per run with a model call, without its updates`,
      measured: `${perRunUs.toFixed(0)} µs`,
    },
  ];
}

function never(): never {
  throw new Error('This agent is not run.');
}
