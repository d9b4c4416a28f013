import { describe, expect, it } from 'vitest';
import { AgentError, ThreadStateError } from '../../src/durable-agents/errors.js';

describe('an AgentError', () => {
  const cause = new Error('reset');
  const error = new AgentError('rate_limited', 'Later.', {
    cause,
    recovery: 'retry',
    retryAfterSeconds: 7,
    omittedTurnCount: 2,
  });

  it('keeps everything that a changed copy does not change', () => {
    expect(error.with({ message: 'Soon.' })).toMatchObject({
      name: 'AgentError',
      code: 'rate_limited',
      message: 'Soon.',
      cause,
      recovery: 'retry',
      retryAfterSeconds: 7,
      omittedTurnCount: 2,
    });
    expect(error.with({ omittedTurnCount: 3, cause: undefined })).toMatchObject({
      message: 'Later.',
      cause: undefined,
      omittedTurnCount: 3,
      retryAfterSeconds: 7,
    });
    expect(new AgentError('a', 'b').with({})).toMatchObject({ recovery: undefined, cause: undefined });
  });

  it('is made of any other error, which becomes its cause', () => {
    expect(AgentError.from(error)).toBe(error);
    expect(AgentError.from(cause)).toMatchObject({
      code: 'agent_error',
      message: 'The agent failed unexpectedly.',
      cause,
    });
    expect(AgentError.from('down').cause).toBe('down');
  });
});

it('a ThreadStateError has a code and a cause', () => {
  const cause = new Error('bad');
  expect(new ThreadStateError('Unreadable.', { cause })).toMatchObject({
    name: 'ThreadStateError',
    code: 'unreadable_thread_state',
    message: 'Unreadable.',
    cause,
  });
});
