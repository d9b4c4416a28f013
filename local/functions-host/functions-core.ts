import Module from 'node:module';
import type { HostLog, HostLogLevel } from './host-log.js';

// The part of the module `@azure/functions-core` that `@azure/functions` uses. The real worker provides it. Function data
// has the shape of the gRPC messages.

/** A binding of a function: a trigger, an input or an output. Other fields depend on its type. */
export interface Binding {
  readonly type: string;
  readonly direction?: 'in' | 'out';
  readonly [field: string]: unknown;
}

/** What an app registers for a function. */
export interface FunctionMetadata {
  readonly name: string;
  /** By binding name. */
  readonly bindings: Readonly<Record<string, Binding>>;
}

export type FunctionCallback = (...inputs: unknown[]) => unknown;

/** A value passed to or from a function. Exactly one field is set. */
export interface TypedData {
  readonly string?: string;
  readonly json?: string;
  readonly bytes?: Uint8Array;
  readonly http?: RpcHttpRequest | RpcHttpResponse;
}

export type NullableMap = Readonly<Record<string, { readonly value: string }>>;

export interface RpcHttpRequest {
  readonly method: string;
  readonly url: string;
  readonly nullableHeaders: NullableMap;
  readonly nullableParams: NullableMap;
  readonly nullableQuery: NullableMap;
  readonly body: TypedData | null;
}

export interface RpcHttpResponse {
  readonly statusCode?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly RpcHttpCookie[];
  readonly body?: TypedData | null;
}

export interface RpcHttpCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: { readonly value: string } | null;
  readonly path?: { readonly value: string } | null;
  readonly expires?: { readonly value: { readonly seconds: number } } | null;
  readonly secure?: { readonly value: boolean } | null;
  readonly httpOnly?: { readonly value: boolean } | null;
  readonly sameSite?: string;
  readonly maxAge?: { readonly value: number } | null;
}

/** What the host sends to the worker for one invocation. */
export interface InvocationRequest {
  readonly invocationId: string;
  readonly functionId: string;
  readonly inputData: readonly { readonly name: string; readonly data: TypedData }[];
  readonly triggerMetadata: Readonly<Record<string, TypedData>>;
  readonly traceContext: { readonly traceParent: string; readonly traceState: string; readonly attributes: object };
  /** Null for the first invocation with an input. */
  readonly retryContext: { readonly retryCount: number; readonly maxRetryCount: number } | null;
}

/** What the worker returns. */
export interface InvocationResponse {
  readonly invocationId: string;
  readonly outputData: readonly { readonly name: string; readonly data: TypedData }[];
  readonly returnValue?: TypedData | null;
}

export type InvocationState = 'preInvocationHooks' | 'invocation' | 'postInvocationHooks';

/** What the programming model knows about a running invocation. */
export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: InvocationRequest;
  readonly metadata: FunctionMetadata;
  state: InvocationState | undefined;
  log(level: HostLogLevel, category: 'user' | 'system' | 'customMetric', message: string): void;
}

/** `@azure/functions` as the worker sees it. */
export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<InvocationResponse>;
}

export type HookName = 'appStart' | 'appTerminate' | 'preInvocation' | 'postInvocation' | 'log';
export type HookCallback = (context: object) => unknown;

/** A registered function. */
export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

/** Collects what an app registers while its `main` loads. */
export class AppRegistry {
  readonly functions = new Map<string, RegisteredFunction>();
  readonly #hooks = new Map<HookName, Set<HookCallback>>();
  /** Shared by all hooks of the app. */
  readonly appHookData: object = {};
  programmingModel: ProgrammingModel | undefined;
  /** Set when the app has started. After that, functions can no longer be registered. */
  isComplete = false;

  register(metadata: FunctionMetadata, callback: FunctionCallback): void {
    if (this.isComplete) throw new Error('A function can only be registered during app startup.');
    if (this.functions.has(metadata.name)) throw new Error(`A function "${metadata.name}" is already registered.`);
    this.functions.set(metadata.name, { metadata, callback });
  }

  addHook(name: HookName, callback: HookCallback): { dispose(): void } {
    const callbacks = this.#hooks.get(name) ?? new Set();
    this.#hooks.set(name, callbacks.add(callback));
    return { dispose: () => void callbacks.delete(callback) };
  }

  hooks(name: HookName): readonly HookCallback[] {
    return [...(this.#hooks.get(name) ?? [])];
  }

  /** Calls the hooks of a name in order. Rejects with the error of the first one that fails. */
  async runHooks(name: HookName, context: object): Promise<void> {
    for (const callback of this.hooks(name)) {
      // Hooks may depend on earlier ones.
      await callback(context);
    }
  }
}

/**
 * Makes `require('@azure/functions-core')` return this app's registry, in CommonJS and ES modules.
 *
 * @returns a function that undoes this
 */
export function provideFunctionsCore(registry: AppRegistry, log: HostLog): () => void {
  const core = {
    version: '1.0.0',
    hostVersion: '4.0.0',
    workerVersion: '3.0.0',
    registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) => registry.register(metadata, callback),
    registerHook: (name: HookName, callback: HookCallback) => registry.addHook(name, callback),
    setProgrammingModel(model: ProgrammingModel): void {
      registry.programmingModel = model;
    },
    getProgrammingModel: () => registry.programmingModel,
    log(level: HostLogLevel, _category: string, message: string): void {
      // The library's own messages are not useful for the developer of an app.
      log({ level: level === 'information' ? 'debug' : level, category: 'Worker', message });
    },
  };
  const prototype: { require: (this: unknown, id: string) => unknown } = Module.prototype;
  const original = prototype.require;
  prototype.require = function requireWithCore(id) {
    return id === '@azure/functions-core' ? core : original.call(this, id);
  };
  return () => {
    prototype.require = original;
  };
}
