import { describe, expect, it } from 'vitest';
import { loadSettings, SettingsError } from '../../src/settings/load-settings.js';

const required = {
  AZURE_OPENAI_ENDPOINT: 'https://example.openai.azure.com',
  AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'gpt-4o-mini',
};

const redaction = (variables: Readonly<Record<string, string>>) =>
  loadSettings({ ...required, ...variables }).redaction;

describe('the settings of redaction', () => {
  it('redact nothing by default', () => {
    expect(redaction({})).toEqual({ redact: [], redactAnswers: false });
  });

  it('select built-in redactors by name', () => {
    expect(redaction({ CALLBACK_REDACT: 'email, JWT' }).redact.map(({ name }) => name)).toEqual(['email', 'jwt']);
  });

  it('select all of them', () => {
    expect(redaction({ CALLBACK_REDACT: 'all' }).redact.map(({ name }) => name)).toEqual([
      'email',
      'phone',
      'card',
      'iban',
      'jwt',
      'api_key',
      'azure_connection_string',
    ]);
  });

  it('add patterns, even with groups that look like placeholders', () => {
    const patterns = [{ name: 'employee', pattern: '(?<!\\w)emp-(?<number>\\d{6})', flags: 'i', maxLength: 10 }];
    const { redact } = redaction({
      CALLBACK_REDACT_PATTERNS: JSON.stringify(patterns),
      CALLBACK_REDACT_ANSWERS: 'true',
    });
    expect(redact).toEqual([{ name: 'employee', pattern: /(?<!\w)emp-(?<number>\d{6})/iu, maxLength: 10 }]);
  });

  it.each([
    ['CALLBACK_REDACT', 'email,fax', 'CALLBACK_REDACT: expected all, or some of email, phone,'],
    ['CALLBACK_REDACT_PATTERNS', '[', 'CALLBACK_REDACT_PATTERNS: expected a JSON list'],
    ['CALLBACK_REDACT_PATTERNS', '[{"name":"a","pattern":"("}]', 'CALLBACK_REDACT_PATTERNS: expected a JSON list'],
    ['CALLBACK_REDACT_PATTERNS', '[{"name":"a","pattern":"x*"}]', 'CALLBACK_REDACT_PATTERNS: expected a JSON list'],
    [
      'CALLBACK_REDACT_PATTERNS',
      '[{"name":"a","pattern":"x","max":1}]',
      'CALLBACK_REDACT_PATTERNS: expected a JSON list',
    ],
    ['CALLBACK_REDACT_ANSWERS', 'yes', 'CALLBACK_REDACT_ANSWERS: expected true or false'],
  ])('reject %s=%s with the expected format', (name, value, problem) => {
    expect(() => redaction({ [name]: value })).toThrow(SettingsError);
    expect(() => redaction({ [name]: value })).toThrow(problem);
  });
});
