import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentApi, newThreadId } from '../support/agent-api.js';
import { allServices, type DurableService } from '../support/durable-services.js';
import { echoed } from '../support/echoed.js';
import { type LocalApp, startLocalApp } from '../support/local-app.js';
import { modelSettings, type ScriptedModel, startScriptedModel } from '../support/scripted-model.js';

const ENDLESS = 'Tell me a story';
const threadPath = (threadId: string) => `agents/CallbackAgent/threads/${threadId}`;

for (const kind of allServices) {
  describe.skipIf(kind.isMissing)(`deleting a thread: ${kind.name}`, () => {
    let service: DurableService;
    let model: ScriptedModel;
    let app: LocalApp;
    let api: AgentApi;
    let dataFolder: string;

    beforeAll(async () => {
      dataFolder = await mkdtemp(path.join(tmpdir(), 'delete-thread-'));
      [service, model] = await Promise.all([
        kind.start(),
        startScriptedModel((message) => (message === ENDLESS ? { pieces: ['Once'], end: 'silence' } : echoed(message))),
      ]);
      app = await startLocalApp({ ...service.settings, ...modelSettings(model) }, { dataFolder });
      api = new AgentApi(app.baseUrl);
    });

    afterAll(async () => {
      await app.stop();
      await Promise.all([model.close(), service.close(), rm(dataFolder, { recursive: true, force: true })]);
    });

    const remove = (threadId: string, query = '') => api.call('DELETE', `${threadPath(threadId)}${query}`);
    const kept = async (): Promise<string> => {
      const entries = await readdir(dataFolder, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((file) => path.join(file.parentPath, file.name));
      return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join();
    };

    it('removes conversation, events and runs, repeatedly, and allows a new thread with the same id', async () => {
      const threadId = newThreadId();
      const other = newThreadId();
      const { correlation_id: id } = await api.ask(threadId, 'A secret of mine');
      await api.ask(other, 'Something else');
      expect(await kept()).toContain('A secret of mine');

      for (const answer of [await remove(threadId), await remove(threadId), await remove(newThreadId())]) {
        expect(answer).toMatchObject({ status: 204, text: '', headers: { 'cache-control': 'no-store' } });
      }

      expect(await kept()).not.toMatch(/A secret of mine/);
      expect(await api.events(threadId)).toEqual([]);
      expect((await api.call('GET', threadPath(threadId))).status).toBe(404);
      expect(await api.runs('GET', threadId, `/${id}`)).toMatchObject({ status: 404 });
      expect(await api.runs('GET', threadId)).toMatchObject({ status: 200, text: '[]' });
      expect(await api.ask(threadId, 'Hello')).toMatchObject({ message_count: 2 });
      expect(await api.ask(other, 'Hello')).toMatchObject({ message_count: 4 });
    });

    it('keeps the events on request', async () => {
      const threadId = newThreadId();
      await api.ask(threadId, 'Hello');
      const events = await api.events(threadId);

      expect((await remove(threadId, '?keep_events=true')).status).toBe(204);

      expect((await api.call('GET', threadPath(threadId))).status).toBe(404);
      expect(await api.events(threadId)).toEqual(events);
    });

    it('cancels running and queued runs, and none of them returns', async () => {
      const threadId = newThreadId();
      const waiting = [ENDLESS, 'First', 'Second'].map((message) => api.run({ message, thread_id: threadId }));
      await expect.poll(async () => JSON.parse((await api.runs('GET', threadId)).text)).toHaveLength(3);

      expect((await remove(threadId)).status).toBe(204);

      for (const answer of await Promise.all(waiting)) {
        expect(answer.status).toBe(502);
        expect(JSON.parse(answer.text)).toMatchObject({ error_code: 'cancelled' });
      }
      expect(await api.ask(threadId, 'Hello')).toMatchObject({ message_count: 2 });
      expect(await api.runs('GET', threadId)).toMatchObject({ text: expect.stringMatching(/^\[\{[^[\]]*\}\]$/) });
      expect(await api.events(threadId)).not.toContainEqual(expect.objectContaining({ event_type: 'failed' }));
      expect(await kept()).not.toContain(ENDLESS);
    });

    it('lets a repeated Idempotency-Key of a cancelled run start that run in the new thread', async () => {
      const threadId = newThreadId();
      const fields = { message: ENDLESS, thread_id: threadId, wait_for_response: false };
      const start = async (): Promise<string> => {
        const answer = await api.run(fields, { headers: { 'idempotency-key': 'story-1' } });
        const { correlation_id: id } = JSON.parse(answer.text);
        await expect.poll(() => api.readRun(threadId, id)).toMatchObject({ status: 'running' });
        return id;
      };
      const id = await start();
      expect((await remove(threadId)).status).toBe(204);

      expect(await start()).toBe(id);

      expect((await api.runs('POST', threadId, `/${id}/cancel`)).status).toBe(202);
      await expect
        .poll(() => api.readRun(threadId, id))
        .toMatchObject({ status: 'cancelled', error_code: 'cancelled' });
    });
  });
}
