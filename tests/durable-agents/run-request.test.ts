import { describe, expect, it } from 'vitest';
import { runRequestSchema } from '../../src/durable-agents/run-request.js';

const id = '0123456789abcdef0123456789abcdef';
const createdAt = '2026-01-07T15:40:00.000Z';
const asked = { message: 'Hi', correlationId: id, createdAt };
const read = { ...asked, role: 'user', responseType: 'json', enableToolCalls: true };

describe('a run request in storage', () => {
  it('has defaults', () => {
    expect(runRequestSchema.parse(asked)).toEqual(read);
    const now = Date.now();
    const { createdAt: at } = runRequestSchema.parse({ message: 'Hi', correlationId: id });
    expect(Math.abs(Date.parse(at) - now)).toBeLessThan(60_000);
  });

  it('is read as it was written', () => {
    const full = {
      ...asked,
      role: 'system',
      responseType: 'text',
      ownerId: 'ann',
      responseSchema: { type: 'object' },
      enableToolCalls: false,
      interrupts: true,
      orchestrationId: 'orchestration-1',
      traceParent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    };
    expect(runRequestSchema.parse(JSON.parse(JSON.stringify(full)))).toEqual(full);
  });

  it('may have the names of other implementations, in any case', () => {
    expect(
      runRequestSchema.parse({
        Message: 'Hi',
        correlation_id: id,
        CREATED_AT: createdAt,
        request_response_format: ' TEXT ',
        Role: ' Assistant',
        EnableToolCalls: false,
        response_schema: {},
        owner_id: 'ann',
        orchestration_id: 'o',
        trace_parent: 't',
        Interrupts: false,
        unknown: 1,
      }),
    ).toEqual({
      ...asked,
      role: 'assistant',
      responseType: 'text',
      enableToolCalls: false,
      responseSchema: {},
      ownerId: 'ann',
      orchestrationId: 'o',
      traceParent: 't',
      interrupts: false,
    });
  });

  it('prefers the usual name of a field, wherever it is', () => {
    expect(runRequestSchema.parse({ MESSAGE: 'No', ...asked })).toEqual(read);
    expect(runRequestSchema.parse({ ...asked, MESSAGE: 'No' })).toEqual(read);
    expect(runRequestSchema.parse({ ...asked, responseType: 'text', request_response_format: 'json' })).toEqual({
      ...read,
      responseType: 'text',
    });
  });

  it('may have nulls for values that are missing', () => {
    expect(runRequestSchema.parse({ ...asked, role: null, ownerId: null, enableToolCalls: null })).toEqual(read);
  });

  it.each([
    ['01234567-89ab-cdef-0123-456789abcdef', id],
    ['01234567-89AB-CDEF-0123-456789ABCDEF', id],
    [id.toUpperCase(), id],
  ])('may have the correlation id %s, which is read as %s', (correlationId, expected) => {
    expect(runRequestSchema.parse({ ...asked, correlationId })).toEqual({ ...read, correlationId: expected });
  });

  it.each([
    ['a correlation id that is too short', { correlationId: id.slice(1) }],
    ['a correlation id that is too long', { correlationId: `${id}0` }],
    ['a correlation id with other characters', { correlationId: `x${id}` }],
    ['a GUID without some of its hyphens', { correlationId: '01234567-89abcdef-0123-456789abcdef' }],
    ['no correlation id', { correlationId: undefined }],
    ['no message', { message: undefined }],
    ['a message that is no text', { message: 7 }],
    ['an unknown role', { role: 'tool' }],
    ['an unknown response type', { responseType: 'xml' }],
    ['a time that is no time', { createdAt: 'today' }],
    ['a schema that is no object', { responseSchema: 'any' }],
  ])('is rejected with %s', (_what, fields) => {
    expect(runRequestSchema.safeParse({ ...asked, ...fields }).success).toBe(false);
  });

  it.each([[null], ['Hi'], [[asked]]])('is rejected if it is not an object: %j', (stored) => {
    expect(runRequestSchema.safeParse(stored).success).toBe(false);
  });

  it('says what it expects of a correlation id', () => {
    const { error } = runRequestSchema.safeParse({ ...asked, correlationId: 'x' });
    expect(error?.issues[0]?.message).toBe('expected 32 hex digits or a GUID');
  });
});
