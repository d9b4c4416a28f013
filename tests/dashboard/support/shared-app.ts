import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { AgentApi } from '../../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../../support/app-with-model.js';
import { createGate } from '../../support/gate.js';
import { holdLast } from '../../support/hold-last.js';
import type { ModelAnswer } from '../../support/scripted-model.js';

const PAUSE_MS = 20;

/** The answer of a model that rejects the request. */
export const refusal: ModelAnswer = { status: 400, body: { error: { message: 'No.' } } };

/** An app for all tests of a file. Each test uses its own threads and messages. */
export interface SharedApp {
  readonly baseUrl: string;
  readonly api: AgentApi;
  /**
   * Makes the model answer a message piece by piece, and hold the last piece until the returned function is called or
   * the test ends.
   */
  hold(message: string, pieces: readonly string[]): () => void;
}

/** Starts the built app for the tests of a file. Its model follows `script`, except for messages that a test holds. */
export function useApp(script: (message: string) => ModelAnswer): SharedApp {
  const held = new Map<string, ModelAnswer>();
  let started: AppWithModel | undefined;
  const running = (): AppWithModel => {
    if (started === undefined) throw new Error('Use the app only while a test runs.');
    return started;
  };
  beforeAll(async () => {
    started = await startAppWithModel((message) => held.get(message) ?? script(message));
  });
  afterAll(() => started?.stop());
  return {
    get baseUrl() {
      return running().app.baseUrl;
    },
    get api() {
      return running().api;
    },
    hold: (message, pieces) => {
      const mayEnd = createGate();
      held.set(message, { pieces: holdLast(pieces, mayEnd), pauseMs: PAUSE_MS });
      onTestFinished(mayEnd.open);
      return mayEnd.open;
    },
  };
}
