import { describe, expect, it } from 'vitest';
import { refusal } from './refusal.js';

describe('settings', () => {
  describe.each([
    ['AZURE_OPENAI_FIRST_TOKEN_TIMEOUT_SECONDS', 1, 280],
    ['AZURE_OPENAI_STREAM_IDLE_TIMEOUT_SECONDS', 1, 600],
    ['AZURE_OPENAI_MAX_OUTPUT_TOKENS', 1, 10_000_000],
    ['AGENT_RUN_TIMEOUT_SECONDS', 1, 3600],
    ['AGENT_MAX_ANSWER_BYTES', 1, 1_073_741_824],
    ['AGENT_MAX_MESSAGE_BYTES', 1, 1_048_576],
    ['AGENT_MAX_ATTEMPTS', 1, 1000],
    ['AGENT_MAX_HISTORY_TOKENS', 1, 100_000_000],
    ['AGENT_MAX_HISTORY_TURNS', 1, 1_000_000],
    ['AGENT_MAX_STATE_BYTES', 4096, 1_073_741_824],
    ['AGENT_THREAD_TTL_DAYS', 1, 3650],
    ['AGENT_WAIT_SECONDS', 1, 200],
    ['CALLBACK_EVENT_TTL_DAYS', 1, 3650],
    ['CALLBACK_STORE_MAX_THREADS', 1, 1_000_000],
    ['CALLBACK_STORE_MAX_EVENTS_PER_THREAD', 1, 10_000_000],
    ['CALLBACK_STORE_MAX_BYTES', 1, 1_000_000_000_000],
    ['CALLBACK_STREAM_MAX_SECONDS', 1, 3600],
    ['CALLBACK_STREAM_MAX_BYTES', 1, 1_000_000_000],
    ['CALLBACK_STREAM_MAX_OPEN', 1, 100_000],
    ['CALLBACK_STREAM_MAX_OPEN_PER_THREAD', 1, 100_000],
    ['CALLBACK_LOG_PREVIEW_CHARS', 0, 1_000_000],
  ])('accept as %s a whole number', (name, min, max) => {
    it(`from ${min} to ${max}`, () => {
      expect([min, max].map((value) => refusal({ [name]: String(value) }))).toEqual(['', '']);
    });

    it.each([String(min - 1), String(max + 1), '1.5', '1e2', 'many', '0x10', '9'.repeat(400)])(
      'but not %s',
      (value) => {
        expect(refusal({ [name]: value })).toBe(
          `Settings are missing or invalid:\n  ${name}: expected a whole number from ${min} to ${max}`,
        );
      },
    );
  });
});
