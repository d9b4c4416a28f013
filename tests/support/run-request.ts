import type { RunRequest } from '../../src/durable-agents/run-request.js';

/** A valid request, with overrides. */
export function runRequest(fields: Partial<RunRequest> = {}): RunRequest {
  return {
    message: 'What is the weather?',
    role: 'user',
    correlationId: '0123456789abcdef0123456789abcdef',
    createdAt: '2026-01-07T15:40:00.000Z',
    responseType: 'json',
    enableToolCalls: true,
    ...fields,
  };
}
