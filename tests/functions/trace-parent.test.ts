import { describe, expect, it } from 'vitest';
import { incomingTraceParent } from '../../src/functions/trace-parent.js';

const callers = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const hosts = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01';
const unsampled = '00-11111111111111111111111111111111-00f067aa0ba902b7-00';

const read = (header: string | undefined, host: string | undefined): string | undefined =>
  incomingTraceParent(
    { headers: new Headers(header === undefined ? {} : { traceparent: header }) },
    host === undefined ? {} : { traceContext: { traceParent: host, traceState: '', attributes: {} } },
  );

describe('incomingTraceParent', () => {
  it.each([
    { what: "the host's if the host records it", header: callers, host: hosts, expected: hosts },
    { what: "the caller's if the host passes an empty one", header: callers, host: '', expected: callers },
    { what: "the caller's if the host does not sample", header: callers, host: unsampled, expected: callers },
    {
      what: "the host's if the caller has none, even unsampled",
      header: undefined,
      host: unsampled,
      expected: unsampled,
    },
    { what: 'undefined if neither sent one', header: undefined, host: undefined, expected: undefined },
    { what: 'undefined for an invalid header', header: 'nonsense', host: '', expected: undefined },
    {
      what: 'undefined for a trace id of zeros',
      header: `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
      host: '',
      expected: undefined,
    },
  ])('returns $what', ({ header, host, expected }) => {
    expect(read(header, host)).toBe(expected);
  });
});
