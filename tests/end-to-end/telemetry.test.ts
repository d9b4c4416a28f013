import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newThreadId } from '../support/agent-api.js';
import { type AppWithModel, startAppWithModel } from '../support/app-with-model.js';
import { eventually } from '../support/eventually.js';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.js';

const callersTrace = '0af7651916cd43dd8448eb211c80319c';
const callersSpan = 'b7ad6b7169203331';

let receiver: OtlpReceiver;
let started: AppWithModel;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  started = await startAppWithModel(() => ({ pieces: ['Sunny', '.'] }), {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '50',
  });
});
afterAll(async () => {
  await started.stop();
  receiver.close();
});

describe('an app with a collector', () => {
  it('continues the trace of an HTTP request through the entity to the model call, and sends metrics at shutdown', async () => {
    const answer = await started.api.run(
      { message: 'Hi', thread_id: newThreadId() },
      { headers: { traceparent: `00-${callersTrace}-${callersSpan}-01` } },
    );
    expect(answer.status).toBe(200);
    const [chat, invoke] = await eventually(async () => {
      if (receiver.spans.length < 2) throw new Error(`${receiver.spans.length} spans have arrived`);
      return receiver.spans;
    });
    expect(invoke).toMatchObject({
      name: 'invoke_agent CallbackAgent',
      traceId: callersTrace,
      parentSpanId: callersSpan,
    });
    expect(chat).toMatchObject({ name: 'chat test-deployment', traceId: callersTrace, parentSpanId: invoke?.spanId });

    await started.stop();

    expect(receiver.points.map(({ name }) => name)).toContain('gen_ai.invoke_agent.duration');
  });
});
