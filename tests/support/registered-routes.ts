import { app, type HttpFunctionOptions } from '@azure/functions';
import { vi } from 'vitest';

export interface RegisteredRoute extends HttpFunctionOptions {
  readonly name: string;
}

let registering: Promise<readonly RegisteredRoute[]> | undefined;

/** The HTTP routes of the app, which accepts only signed-in users. A process can load the app only once. */
export function registeredRoutes(): Promise<readonly RegisteredRoute[]> {
  registering ??= loadApp();
  return registering;
}

async function loadApp(): Promise<readonly RegisteredRoute[]> {
  const routes: RegisteredRoute[] = [];
  const replaced = [
    vi.spyOn(app, 'http').mockImplementation((name, options) => void routes.push({ name, ...options })),
    vi.spyOn(app, 'timer').mockReturnValue(),
    vi.spyOn(app, 'setup').mockReturnValue(),
  ];
  vi.stubEnv('AZURE_OPENAI_ENDPOINT', 'https://example.openai.azure.com');
  vi.stubEnv('AZURE_OPENAI_CHAT_DEPLOYMENT_NAME', 'test');
  vi.stubEnv('AGENT_AUTHORIZE', 'easyauth');
  try {
    await import('../../src/index.js');
  } finally {
    vi.unstubAllEnvs();
    for (const spy of replaced) spy.mockRestore();
  }
  return routes;
}
