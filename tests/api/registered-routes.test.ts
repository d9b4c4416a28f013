import { app } from '@azure/functions';
import { expect, it, vi } from 'vitest';
import { operations } from '../../src/api/operations.js';

it('openapi.json describes every HTTP route that the app registers, and no other', async () => {
  const registered: string[] = [];
  vi.spyOn(app, 'http').mockImplementation((_name, { methods = [], route = '' }) => {
    // Each agent has a run route with its name.
    const path = route.replace(/^agents\/\w+\//, 'agents/{agentName}/');
    registered.push(...methods.map((method) => `${method} /${path}`));
  });
  vi.spyOn(app, 'timer').mockReturnValue();
  vi.spyOn(app, 'setup').mockReturnValue();
  vi.stubEnv('AZURE_OPENAI_ENDPOINT', 'https://example.openai.azure.com');
  vi.stubEnv('AZURE_OPENAI_CHAT_DEPLOYMENT_NAME', 'test');

  await import('../../src/index.js');

  const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  expect(described.toSorted()).toEqual([...new Set(registered)].toSorted());
});
