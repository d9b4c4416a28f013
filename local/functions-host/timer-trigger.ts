import { randomUUID } from 'node:crypto';
import type { FunctionMetadata, RegisteredFunction, TypedData } from './functions-core.js';
import type { Invoke } from './invocation.js';

/** A function with a timer trigger. */
export interface TimerFunction {
  readonly registered: RegisteredFunction;
  readonly triggerName: string;
}

/** What calling timer functions needs. */
export interface TimerTriggerContext {
  readonly invoke: Invoke;
  /** Values of the inputs of a function beside its trigger. */
  readonly readInputs: (metadata: FunctionMetadata) => Readonly<Record<string, TypedData>>;
}

/** As the real host tells a function that is run by hand, where no schedule has been followed yet. */
const timer = JSON.stringify({ Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: false });

/** Calls a timer function once; rejects when it fails, which is logged. */
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
