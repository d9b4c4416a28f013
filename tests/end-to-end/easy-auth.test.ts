import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { echoed } from '../support/echoed.js';
import { principalHeader } from '../support/principal-header.js';

describe('an app that authorizes the users of App Service Authentication', () => {
  let target: AppWithModel;

  beforeAll(async () => {
    target = await startAppWithModel(echoed, { AGENT_AUTHORIZE: 'easyauth' });
  });

  afterAll(() => target.stop());

  const as = (user: string) => {
    const headers = { 'x-ms-client-principal': principalHeader([['oid', user]]) };
    return {
      run: (threadId: string) => target.api.run({ message: 'Hello', thread_id: threadId }, { headers }),
      get: (path: string) => target.api.call('GET', `agents/CallbackAgent/${path}`, headers),
    };
  };

  it('isolates the threads of users', async () => {
    const threadId = newThreadId();
    const [ann, bob] = [as('ann'), as('bob')];

    expect(await ann.run(threadId)).toMatchObject({ status: 200 });
    expect(await ann.run(threadId)).toMatchObject({ status: 200, text: expect.stringContaining('"message_count":4') });
    expect(await bob.run(threadId)).toMatchObject({ status: 404 });

    for (const path of [`callbacks/${threadId}`, `callbacks/${threadId}/export`, `threads/${threadId}`]) {
      expect(await ann.get(path)).toMatchObject({ status: 200, text: expect.stringContaining('Hello') });
      expect(await bob.get(path)).toMatchObject({ status: 404 });
    }
    expect((await ann.get('threads')).text).toContain(threadId);
    expect((await bob.get('threads')).text).toBe('[]');
  });

  it('rejects a request without a user', async () => {
    expect(await target.api.run({ message: 'Hello' })).toMatchObject({ status: 403 });
  });
});
