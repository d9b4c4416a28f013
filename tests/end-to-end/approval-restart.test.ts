import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { openTableAccount } from '../support/azurite-table-server.js';
import { eventually } from '../support/eventually.js';
import { offlineAnswer } from '../support/offline-answer.js';
import { RefundApi } from '../support/refund-api.js';
import { type RestartableApp, startRestartableApp } from '../support/restartable-app.js';
import { modelSettings, type ScriptedModel, startScriptedModel } from '../support/scripted-model.js';

describe.each(['memory', 'table'] as const)('a run that waits for approval, with the %s store', (kind) => {
  let model: ScriptedModel;
  let app: RestartableApp;
  let api: RefundApi;

  beforeAll(async () => {
    model = await startScriptedModel(offlineAnswer);
    let settings: Readonly<Record<string, string>> = { CALLBACK_STORE: kind };
    if (kind === 'table') {
      const { connectionString } = await openTableAccount();
      settings = { ...settings, AzureWebJobsStorage: connectionString };
    }
    app = await startRestartableApp({ ...modelSettings(model), ...settings });
    api = new RefundApi(app.baseUrl);
  });
  afterAll(async () => {
    await app.stop();
    await model.close();
  });

  it('survives a restart of the host, and continues when it is approved', async () => {
    const threadId = newThreadId();
    const { correlation_id: id, approvals } = await api.askForRefund(threadId);

    await app.killAndRestart();

    expect(await api.readRun(threadId, id)).toMatchObject({ status: 'waiting_for_approval', approvals });
    expect(await api.run(threadId, { message: 'Hello', multitask_strategy: 'reject' })).toMatchObject({ status: 409 });
    expect((await api.decide(threadId, approvals[0]?.approval_id ?? '', { approved: true })).status).toBe(202);
    const run = await api.runWithStatus(threadId, id, 'completed');
    expect(run.response).toContain('"refund_id"');
    const events = await api.events(threadId);
    expect(events.filter(({ event_type: type }) => type !== 'stream')).toMatchObject([
      { event_type: 'approval', state: 'requested' },
      { event_type: 'approval', state: 'approved' },
      { event_type: 'final' },
    ]);
    expect(events.filter((event) => 'update_kind' in event && event.update_kind === 'tool_result')).toHaveLength(2);
  });

  it('takes a decision that a crash of the host interrupts, at once or when it is repeated', async () => {
    const threadId = newThreadId();
    const { correlation_id: id, approvals } = await api.askForRefund(threadId, 'Please refund order A-1002.');
    const approvalId = approvals[0]?.approval_id ?? '';

    const interrupted = api.decide(threadId, approvalId, { approved: true }).catch(() => undefined);
    await app.killAndRestart();
    await interrupted;

    await eventually(async () => {
      const { status } = await api.decide(threadId, approvalId, { approved: true });
      if (status !== 202 && status !== 200)
        throw new Error(`Expected status 200 or 202 for the decision, got ${status}`);
    });
    // With the memory store an interrupted run starts over, so its refund may have been issued before.
    const { response } = await api.runWithStatus(threadId, id, 'completed');
    expect(response).toContain('"refund_id"');
    expect((await api.events(threadId)).filter(({ event_type: type }) => type === 'final')).toHaveLength(1);
  });
});
