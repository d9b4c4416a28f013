import { describe, expect, it } from 'vitest';
import { LocalAppFailure, startLocalApp } from '../support/local-app.js';

describe('starting with bad settings', () => {
  it('fails with one message that names all of them, without values or a stack', async () => {
    const start = startLocalApp({
      AZURE_OPENAI_ENDPOINT: 'http://secret.example.com',
      AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: '<your deployment>',
      AZURE_OPENAI_API_KEY: 'secret-key',
      AGENT_RUN_TIMEOUT_SECONDS: 'secret-number',
    });
    const failure = await start.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LocalAppFailure);
    expect(failure).toMatchObject({ exitCode: 1 });
    const [, problems = ''] = String(failure).split('Settings are missing or invalid:\n');
    expect(problems.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^ {2}AZURE_OPENAI_CHAT_DEPLOYMENT_NAME still contains a placeholder/),
      expect.stringMatching(/^ {2}AZURE_OPENAI_ENDPOINT must use https \(http on loopback only\); expected https:/),
      expect.stringMatching(/^ {2}AGENT_RUN_TIMEOUT_SECONDS: expected a whole number from 1 to 3600$/),
    ]);
  });
});
