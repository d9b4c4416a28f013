import { describe, expect, test } from 'vitest';
import { EntityRunner } from '../../../local/functions-host/durable/entity-runner.js';
import { EntityStore } from '../../../local/functions-host/durable/entity-store.js';
import type { InvocationResponse } from '../../../local/functions-host/functions-core.js';
import type { InvocationInput } from '../../../local/functions-host/invocation.js';
import { comparableMessage } from './support/protocol-messages.js';
import { readRecording } from './support/recordings.js';

interface RecordedInvocation {
  readonly invocationRequest: {
    readonly inputData: readonly { readonly name: string; readonly data: { readonly string: string } }[];
    readonly triggerMetadata: Readonly<Record<string, unknown>>;
  };
  readonly invocationResponse: InvocationResponse;
}

interface Trigger {
  readonly self: { readonly name: string; readonly key: string };
  readonly exists: boolean;
  readonly state: string | null;
  readonly batch: readonly { readonly name: string; readonly input: string | null }[];
}

describe('an entity function gets the same input as from a real host, and its result is applied', async () => {
  const recording = await readRecording<Readonly<Record<string, RecordedInvocation>>>('entity-invocations');

  test.each(Object.entries(recording))('%s', async (_name, { invocationRequest, invocationResponse }) => {
    const [input] = invocationRequest.inputData;
    const trigger = JSON.parse(input?.data.string ?? '') as Trigger;
    const store = new EntityStore();
    if (trigger.exists) {
      const state = { id: trigger.self, text: trigger.state ?? undefined, lastOperationTime: new Date(0) };
      store.endBatch(trigger.self, { operationCount: 0, state, signals: [] });
    }
    const given: InvocationInput[] = [];
    const bindings = { [input?.name ?? '']: { type: 'entityTrigger' } };
    const registered = { metadata: { name: 'counter', bindings }, callback: () => undefined };
    const runner = new EntityRunner({
      functions: new Map([['counter', { registered, triggerName: input?.name ?? '' }]]),
      store,
      invoke: async (_registered, invocation) => {
        given.push(invocation);
        return invocationResponse;
      },
      readInputs: () => ({}),
      maxBatchSize: 5000,
      log: () => undefined,
    });

    for (const operation of trigger.batch) runner.signal(trigger.self, operation);
    await expect.poll(() => given.length).toBe(1);
    await runner.stop(1000);

    expect(given).toHaveLength(1);
    const [invocation] = given;
    expect(Object.entries(invocation?.inputs ?? {})).toEqual([[input?.name, { string: input?.data.string }]]);
    expect(comparableMessage(invocation?.triggerMetadata)).toEqual(
      comparableMessage(invocationRequest.triggerMetadata),
    );
    const returned = JSON.parse(invocationResponse.returnValue?.json ?? '') as {
      entityExists: boolean;
      entityState?: string;
    };
    expect(store.read(trigger.self)?.text).toBe(returned.entityExists ? returned.entityState : undefined);
  });
});
