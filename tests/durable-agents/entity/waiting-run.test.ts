import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { finish, text } from '../../support/agent-parts.js';
import { runRequest } from '../../support/run-request.js';
import { ApprovalThread, asking, first, NOW, run, second, thread } from './approval-thread.js';

beforeEach(() => {
  vi.useFakeTimers({ now: new Date(NOW), toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a message to a thread whose run waits', () => {
  it('is answered after that run, in order', async () => {
    const third = runRequest({ correlationId: 'c'.repeat(32), createdAt: NOW, message: 'Last.' });
    const answers = [...asking, [text('Two.'), finish()], [text('Three.'), finish()]];
    const target = new ApprovalThread({ answers });
    await target.operate('run', first);

    expect(await target.operate('run', second)).toEqual([]);
    await target.operate('run', third);
    await target.operate('run', second);
    expect(target.waiting.deferredRuns.map(({ message }) => message)).toEqual(['And now?', 'Last.']);
    await target.decide('pay-1', { approved: true });
    await target.decide('pay-2', { approved: true });
    await target.settle('resume');

    expect(target.callback.responses.map((response) => response.text)).toEqual(['Done.', 'Two.', 'Three.']);
    expect(target.waiting.deferredRuns).toEqual([]);
    expect(target.state.data.conversationHistory).toHaveLength(6);
  });

  it('resumes that run if its approvals have expired', async () => {
    const target = new ApprovalThread({ answers: [...asking, [text('Two.'), finish()]] });
    await target.operate('run', first);
    vi.setSystemTime('2026-01-07T16:40:00.000Z');

    await target.settle('run', second);

    expect(target.shown).toContain('pay pay-1 expired');
    expect(target.callback.responses.map((response) => response.text)).toEqual(['Done.', 'Two.']);
  });

  it('cancels that run and rejects its open calls if it interrupts', async () => {
    const target = new ApprovalThread({ answers: [asking[0] ?? [], [text('Now this.'), finish()]] });
    await target.operate('run', first);

    await target.settle('run', { ...second, interrupts: true });

    expect(target.shown.slice(7)).toEqual(['pay pay-1 rejected', 'pay pay-2 rejected', 'Now this.']);
    expect(target.callback.errors).toMatchObject([{ code: 'cancelled' }]);
    expect(target.callback.responses).toMatchObject([{ text: 'Now this.' }]);
    expect(await target.runRecords.find(run)).toMatchObject({ status: 'cancelled', attempt: 1 });
  });

  it('fails if 20 messages already wait', async () => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);
    for (let index = 10; index < 30; index += 1) {
      await target.operate('run', runRequest({ correlationId: String(index).repeat(16), createdAt: NOW }));
    }

    await target.operate('run', second);

    expect(target.waiting.deferredRuns).toHaveLength(20);
    expect(target.waiting.waitingRun).toBeDefined();
    expect(target.callback.errors).toMatchObject([{ code: 'too_many_deferred_runs' }]);
    const record = await target.runRecords.find({ ...thread, correlationId: second.correlationId });
    expect(record).toMatchObject({ status: 'failed', errorCode: 'too_many_deferred_runs' });
  });

  it('fails if the state has no room for it', async () => {
    const target = new ApprovalThread({ answers: asking, maxStateBytes: 8192 });
    await target.operate('run', first);

    await target.operate('run', { ...second, message: 'x'.repeat(7500) });

    expect(target.waiting.deferredRuns).toEqual([]);
    expect(target.callback.errors).toMatchObject([{ code: 'too_many_deferred_runs' }]);
  });
});

describe('a waiting run', () => {
  it.each([
    [
      'a request to cancel it',
      async (target: ApprovalThread) => target.settle('resume', { cancels: run.correlationId }),
    ],
    [
      'its record',
      async (target: ApprovalThread) => {
        await target.runRecords.cancel(run);
        await target.settle('resume');
      },
    ],
  ])('is cancelled by %s', async (_what, cancel) => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);

    await cancel(target);

    expect(target.callback.errors).toMatchObject([{ code: 'cancelled' }]);
    expect(target.callback.calls.filter((name) => name === 'onAgentError')).toHaveLength(1);
    expect(await target.runRecords.find(run)).toMatchObject({ status: 'cancelled' });
    expect(target.waiting.waitingRun).toBeUndefined();
    expect(target.paid).toEqual([]);
  });

  it('is deleted with its thread, together with the messages that wait', async () => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);
    await target.operate('run', second);

    await target.operate('delete', { deletedAt: '2026-01-07T15:50:00.000Z' });

    expect(target.stored).toBeUndefined();
    expect(target.callback.errors).toMatchObject([{ code: 'cancelled' }]);
  });

  it('survives the deletion of an earlier thread with this id', async () => {
    const target = new ApprovalThread({ answers: asking });
    await target.operate('run', first);

    await target.operate('delete', { deletedAt: '2026-01-07T15:30:00.000Z' });

    expect(target.waiting.waitingRun).toBeDefined();
    expect(target.callback.errors).toEqual([]);
  });

  it('ends when its thread is reset, and the waiting messages are answered', async () => {
    const target = new ApprovalThread({ answers: [asking[0] ?? [], [text('Two.'), finish()]] });
    await target.operate('run', first);
    await target.operate('run', second);

    await target.settle('reset');

    expect(target.callback.errors).toMatchObject([{ code: 'cancelled' }]);
    expect(target.callback.responses).toMatchObject([{ text: 'Two.' }]);
  });
});
