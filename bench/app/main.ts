import diagnostics from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { app } from '@azure/functions';
import '../../src/index.js';
import './bare-run.js';

/** The measured app, plus a route that serves a ready buffer of any length, which is the best that the host can do. */
const buffers = new Map<number, Buffer>();

app.http('fixed_buffer', {
  methods: ['GET'],
  route: 'fixed-buffer',
  authLevel: 'anonymous',
  handler: (request) => {
    const length = Number(request.query.get('bytes') ?? 0);
    const buffer = buffers.get(length) ?? Buffer.alloc(length, 'x');
    buffers.set(length, buffer);
    return { headers: { 'content-type': 'application/json' }, body: buffer };
  },
});

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

app.http('memory', {
  methods: ['GET'],
  route: 'memory',
  authLevel: 'anonymous',
  handler: () => {
    collectGarbage();
    const { rss, heapUsed, external } = process.memoryUsage();
    return { jsonBody: { resident: rss, used: heapUsed + external } };
  },
});

app.http('cpu', {
  methods: ['GET'],
  route: 'cpu',
  authLevel: 'anonymous',
  handler: () => ({ jsonBody: process.cpuUsage() }),
});

/** Counts reads of conversations from the host, and bytes sent to the model. */
const traffic = { stateReads: 0, stateBytes: 0, modelBytes: 0 };

diagnostics.subscribe('http.client.response.finish', (message) => {
  const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
  if (request.method !== 'GET' || !/\/entities\//.test(request.path)) return;
  traffic.stateReads += 1;
  traffic.stateBytes += Number(response.headers['content-length']);
});

diagnostics.subscribe('undici:request:create', (message) => {
  const { request } = message as { request: { path: string; contentLength: number | null } };
  if (request.path.includes('/chat/completions')) traffic.modelBytes += request.contentLength ?? 0;
});

app.http('traffic', {
  methods: ['GET'],
  route: 'traffic',
  authLevel: 'anonymous',
  handler: () => ({ jsonBody: traffic }),
});
