import { expect, it, onTestFinished } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { startRestartableApp } from '../support/restartable-app.js';
import { modelSettings, startScriptedModel } from '../support/scripted-model.js';

it('fails a run that was interrupted AGENT_MAX_ATTEMPTS times, even if each process loses its event store', async () => {
  let modelCalls = 0;
  const model = await startScriptedModel(() => {
    modelCalls += 1;
    return { pieces: ['It ends the process.'], end: 'silence' };
  });
  onTestFinished(() => model.close());
  const app = await startRestartableApp({ AGENT_MAX_ATTEMPTS: '2', ...modelSettings(model) });
  onTestFinished(() => app.stop());
  const threadId = newThreadId();

  await app.api.run({ message: 'Hello', thread_id: threadId, wait_for_response: false });
  for (const attempt of [1, 2]) {
    await expect.poll(() => modelCalls).toBe(attempt);
    await app.killAndRestart();
  }

  await expect
    .poll(() => app.api.events(threadId))
    .toMatchObject([{ event_type: 'failed', error_code: 'too_many_attempts' }]);
  expect(modelCalls).toBe(2);
});
