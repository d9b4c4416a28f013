import { randomUUID } from 'node:crypto';
import type { FunctionMetadata, RegisteredFunction, TypedData } from './functions-core.js';
import type { Invoke } from './invocation.js';

/** A function with a timer trigger. */
export interface TimerFunction {
  readonly registered: RegisteredFunction;
  readonly triggerName: string;
}

/** Dependencies of timer functions. */
export interface TimerTriggerContext {
  readonly invoke: Invoke;
  /** Returns the values of a function's inputs other than its trigger. */
  readonly readInputs: (metadata: FunctionMetadata) => Readonly<Record<string, TypedData>>;
}

/** What the real host passes to a function that is run manually before its first scheduled run. */
const timer = JSON.stringify({ Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: false });

/** Calls a timer function once. Rejects if it fails; the failure is logged. */
export async function runTimerFunction(
  { invoke, readInputs }: TimerTriggerContext,
  { registered, triggerName }: TimerFunction,
): Promise<void> {
  await invoke(registered, {
    invocationId: randomUUID(),
    inputs: { [triggerName]: { json: timer }, ...readInputs(registered.metadata) },
    triggerMetadata: {},
  });
}
