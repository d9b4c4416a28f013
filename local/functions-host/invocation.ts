import type {
  AppRegistry,
  CoreInvocationContext,
  InvocationResponse,
  RegisteredFunction,
  TypedData,
} from './functions-core.js';
import type { HostLog, HostLogLevel } from './host-log.js';

/** Input of one function call. */
export interface InvocationInput {
  /** A new UUID for each call. */
  readonly invocationId: string;
  /** Number of earlier calls with the same input. @default 0 */
  readonly retryCount?: number;
  /** By binding name. */
  readonly inputs: Readonly<Record<string, TypedData>>;
  readonly triggerMetadata: Readonly<Record<string, TypedData>>;
}

/** Calls a function. Rejects with the failure that the real host would receive. */
export type Invoke = (registered: RegisteredFunction, input: InvocationInput) => Promise<InvocationResponse>;

/**
 * Calls functions like the real worker: arguments, `preInvocation` hooks, the function, `postInvocation` hooks, response.
 * Logs failures.
 */
export function createInvoke(registry: AppRegistry, log: HostLog): Invoke {
  return async (registered, input) => {
    const { name } = registered.metadata;
    const note = (level: HostLogLevel, message: string): void =>
      log({ level, category: `Function.${name}`, functionName: name, message });
    const startedAt = performance.now();
    const ending = (): string => `Id=${input.invocationId}, Duration=${Math.round(performance.now() - startedAt)}ms`;
    note('debug', `Executing (Id=${input.invocationId})`);
    try {
      const response = await callFunction(registry, createContext(registry, log, registered, input), registered);
      note('debug', `Executed (Succeeded, ${ending()})`);
      return response;
    } catch (error) {
      note(
        'error',
        `Executed (Failed, ${ending()}): ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      throw error;
    }
  };
}

async function callFunction(
  registry: AppRegistry,
  core: CoreInvocationContext,
  { callback }: RegisteredFunction,
): Promise<InvocationResponse> {
  if (registry.programmingModel === undefined) throw new Error('The app set no programming model.');
  const model = registry.programmingModel.getInvocationModel(core);
  const { context, inputs } = await model.getArguments();
  const shared = { hookData: {}, appHookData: registry.appHookData, invocationContext: context };

  const before = { ...shared, inputs, functionCallback: callback };
  core.state = 'preInvocationHooks';
  await registry.runHooks('preInvocation', before);

  const after = { ...shared, inputs: before.inputs, result: null as unknown, error: null as unknown };
  core.state = 'invocation';
  try {
    after.result = await model.invokeFunction(context, before.inputs, before.functionCallback);
  } catch (error) {
    after.error = error ?? new Error('The function threw nothing.');
  }
  core.state = 'postInvocationHooks';
  await registry.runHooks('postInvocation', after);
  core.state = undefined;
  if (after.error !== null && after.error !== undefined) throw after.error;
  return model.getResponse(context, after.result);
}

function createContext(
  registry: AppRegistry,
  log: HostLog,
  { metadata }: RegisteredFunction,
  { invocationId, inputs, triggerMetadata, retryCount = 0 }: InvocationInput,
): CoreInvocationContext {
  return {
    invocationId,
    metadata,
    state: undefined,
    request: {
      invocationId,
      functionId: metadata.name,
      inputData: Object.entries(inputs).map(([name, data]) => ({ name, data })),
      triggerMetadata,
      traceContext: { traceParent: '', traceState: '', attributes: {} },
      retryContext: retryCount === 0 ? null : { retryCount, maxRetryCount: -1 },
    },
    log(level, category, message) {
      const line = { level, category, message, hookData: {}, appHookData: registry.appHookData };
      for (const hook of registry.hooks('log')) hook(line);
      const suffix = category === 'user' ? '.User' : '';
      log({
        level: line.level,
        category: `Function.${metadata.name}${suffix}`,
        functionName: metadata.name,
        message: line.message,
      });
    },
  };
}
