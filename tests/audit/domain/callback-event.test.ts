import { expect, it } from 'vitest';
import { toUpdateFields } from '../../../src/audit/domain/callback-event.js';

const about = { text: '', callId: 'call-1', toolName: 'get_weather' } as const;

it('a tool call event has its fields in wire order', () => {
  const fields = toUpdateFields({ kind: 'tool_call', ...about, arguments: { location: 'Paris' } });

  expect(JSON.stringify(fields)).toBe(
    '{"event_type":"stream","update_kind":"tool_call","text":"","call_id":"call-1","tool_name":"get_weather",' +
      '"arguments":{"location":"Paris"}}',
  );
});

it('a tool result event has its fields in wire order, and a round number from the second round on', () => {
  const result = { kind: 'tool_result', ...about, result: 'sunny', isError: false, durationMs: 12 } as const;

  expect(JSON.stringify(toUpdateFields({ ...result, round: 2 }))).toBe(
    '{"event_type":"stream","update_kind":"tool_result","text":"","call_id":"call-1","tool_name":"get_weather",' +
      '"result":"sunny","is_error":false,"duration_ms":12,"round":2}',
  );
});

it('a tool result event truncates the result to 4 KiB of JSON and says so', () => {
  const long = { kind: 'tool_result', ...about, result: 'ä"'.repeat(5000), isError: false, durationMs: 12 } as const;

  const fields = toUpdateFields(long);

  const json = JSON.stringify('result' in fields ? fields.result : undefined);
  expect(Buffer.byteLength(json)).toBeLessThanOrEqual(4096);
  expect(json).toMatch(/… \[cut: 20002 bytes, the limit is 4096\]"$/);
});
