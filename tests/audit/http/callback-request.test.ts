import { describe, expect, it } from 'vitest';
import { exportQuery, listQuery, streamQuery, threadsQuery } from '../../../src/audit/http/callback-request.js';
import { HttpError } from '../../../src/functions/http-error.js';
import { parseQuery } from '../../../src/functions/query-parameters.js';
import { runId } from '../../support/callback-events.js';

const schemas = { list: listQuery, stream: streamQuery, export: exportQuery, threads: threadsQuery };

function parse(name: keyof typeof schemas, query: string): unknown {
  return parseQuery(schemas[name], new URLSearchParams(query));
}

/** The error message for a query. Empty if the query is valid. */
function refusal(name: keyof typeof schemas, query: string): string {
  try {
    parse(name, query);
    return '';
  } catch (error) {
    if (error instanceof HttpError && error.status === 400) return error.message;
    throw error;
  }
}

describe('a query', () => {
  it.each<[keyof typeof schemas, string, unknown]>([
    ['list', '', { wait: 0, request_message: 'each' }],
    ['list', 'after=&limit=&wait=&unknown=1', { wait: 0, request_message: 'each' }],
    [
      'list',
      `after=0a-7&limit=1000&wait=30&event_type=failed&correlation_id=${runId(1)}`,
      {
        after: { epoch: '0a', sequence: 7 },
        limit: 1000,
        wait: 30,
        event_type: 'failed',
        correlation_id: runId(1),
        request_message: 'each',
      },
    ],
    ['list', 'after=0&limit=1&wait=0', { after: { sequence: 0 }, limit: 1, wait: 0, request_message: 'each' }],
    ['list', 'superseded=true', { wait: 0, superseded: true, request_message: 'each' }],
    ['list', 'superseded=', { wait: 0, request_message: 'each' }],
    ['list', 'request_message=once', { wait: 0, request_message: 'once' }],
    ['stream', '', {}],
    ['stream', 'superseded=false', { superseded: false }],
    ['stream', 'from=now', { from: 'now' }],
    ['stream', `until=run-end&correlation_id=${runId(1)}`, { until: 'run-end', correlation_id: runId(1) }],
    ['export', '', { format: 'jsonl', bom: false }],
    ['export', 'format=csv', { format: 'csv', bom: false }],
    ['export', 'superseded=true', { format: 'jsonl', bom: false, superseded: true }],
    ['threads', '', { limit: 100 }],
    [
      'threads',
      `limit=5&cursor=${encodeURIComponent(`8232198002877|${runId(1)}`)}`,
      { limit: 5, cursor: `8232198002877|${runId(1)}` },
    ],
  ])('for %s may be "%s"', (name, query, expected) => {
    expect(parse(name, query)).toEqual(expected);
  });

  it.each<[keyof typeof schemas, string, string, RegExp]>([
    ['list', 'after', 'x', /cursor.*sequence number$/],
    ['list', 'after', '-1', /cursor/],
    ['list', 'limit', '0', /a whole number from 1 to 1000$/],
    ['list', 'limit', '1001', /a whole number from 1 to 1000$/],
    ['list', 'limit', '1.5', /a whole number from 1 to 1000$/],
    ['list', 'wait', '31', /a whole number from 0 to 30$/],
    ['list', 'wait', '-1', /a whole number from 0 to 30$/],
    ['list', 'event_type', 'Final', /stream or approval or final or failed$/],
    ['list', 'correlation_id', 'x', /32 lower-case hex digits/],
    ['stream', 'after', 'x', /cursor/],
    ['stream', 'from', 'end', /start or now$/],
    ['stream', 'until', 'now', /run-end$/],
    ['stream', 'correlation_id', 'x', /32 lower-case hex digits/],
    ['export', 'format', 'xml', /jsonl or csv$/],
    ['list', 'superseded', '1', /true or false$/],
    ['stream', 'superseded', 'yes', /true or false$/],
    ['export', 'superseded', 'TRUE', /true or false$/],
    ['export', 'bom', '1', /true or false$/],
    ['list', 'request_message', 'never', /each or once$/],
    ['threads', 'limit', '0', /a whole number from 1 to 1000$/],
    ['threads', 'cursor', '7', /x-next-cursor$/],
  ])('for %s must not contain %s=%s', (name, parameter, value, expected) => {
    const message = refusal(name, `${parameter}=${value}`);
    expect(message).toMatch(new RegExp(`^Invalid ${parameter}: expected `));
    expect(message).toMatch(expected);
  });

  it('for a stream until the end of a run must name the run', () => {
    expect(refusal('stream', 'until=run-end')).toMatch(/^Invalid correlation_id: expected the run/);
  });
});
