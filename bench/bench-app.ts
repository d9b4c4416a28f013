import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const DIST = path.resolve(__dirname, '..');
const AGENT = 'CallbackAgent';

/** Allows more readers at once than the default limits. */
const STREAM_LIMITS = { CALLBACK_STREAM_MAX_OPEN: '5000', CALLBACK_STREAM_MAX_OPEN_PER_THREAD: '1000' };

/** In bytes. */
export interface AppMemory {
  /** Resident memory of the process. */
  readonly resident: number;
  /** Its live memory: objects and external buffers. */
  readonly used: number;
}

export interface StreamedRun {
  /** From the request to the first event. */
  readonly firstMs: number;
  /** From the model's first chunk to the first event. `NaN` unless the message says `stamped`. */
  readonly firstAfterModelMs: number;
  /** From the request to the last event. */
  readonly finalMs: number;
}

/** The app on the local Functions host, and its model, each in its own process. */
export class BenchApp {
  /** `http://localhost:PORT/api` */
  readonly apiUrl: string;
  readonly modelUrl: string;
  readonly #children: readonly ChildProcess[];

  private constructor(apiUrl: string, modelUrl: string, children: readonly ChildProcess[]) {
    this.apiUrl = apiUrl;
    this.modelUrl = modelUrl;
    this.#children = children;
  }

  /** @param settings - environment variables besides those of the model. @default the memory store */
  static async start(settings: Readonly<Record<string, string>> = { CALLBACK_STORE: 'memory' }): Promise<BenchApp> {
    const model = fork(path.join(DIST, 'bench', 'scripted-model.js'), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    const modelUrl = `http://127.0.0.1:${await firstMatch(model, /^listening (\d+)$/)}`;
    const folder = path.join(DIST, 'bench', 'app');
    await writeFile(path.join(folder, 'package.json'), JSON.stringify({ main: 'main.js' }));
    await copyFile(path.join(DIST, '..', 'host.json'), path.join(folder, 'host.json'));
    const app = spawn(
      process.execPath,
      [path.join(DIST, 'local', 'start.js'), '--host', 'local', '--port', '0', '--ephemeral', '--app', folder],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, ...modelSettings(modelUrl), ...STREAM_LIMITS, ...settings },
      },
    );
    const apiUrl = `${await firstMatch(app, /^listening (http:\/\/localhost:\d+)$/)}/api`;
    return new BenchApp(apiUrl, modelUrl, [app, model]);
  }

  /** Sends a message and waits for the answer, or only for its acceptance. */
  async run(threadId: string, message: string, wait = true): Promise<void> {
    const { ok, status, text } = await this.#post(threadId, message, wait);
    if (!ok) throw new Error(`The run was answered ${status}: ${text}`);
  }

  /** Sends a message. @returns the correlation id of the accepted run */
  async accept(threadId: string, message: string): Promise<string> {
    const { status, text } = await this.#post(threadId, message, false);
    if (status !== 202) throw new Error(`The run was answered ${status}: ${text}`);
    return (JSON.parse(text) as { correlation_id: string }).correlation_id;
  }

  /** Cancels a run, which may already have ended. */
  async cancel(threadId: string, correlationId: string): Promise<void> {
    const url = `${this.apiUrl}/agents/${AGENT}/threads/${threadId}/runs/${correlationId}/cancel`;
    const { status } = await fetch(url, { method: 'POST' });
    if (![200, 202, 409].includes(status)) throw new Error(`A cancellation was answered ${status}.`);
  }

  /** Sends a message and waits for the answer or the timeout answer. */
  async runOrTimeOut(threadId: string, message: string): Promise<void> {
    const { ok, status, text } = await this.#post(threadId, message, true);
    if (!ok && !text.includes('"status":"timeout"')) throw new Error(`The run was answered ${status}: ${text}`);
  }

  /** Sends a message and reads the run's events to their end. */
  async streamRun(threadId: string, message: string): Promise<StreamedRun> {
    return readRun(`${this.apiUrl}/agents/${AGENT}/run`, threadId, message);
  }

  /** The same without the app: a function on the same host only signals an entity, which only streams the model. */
  async streamBareRun(threadId: string, message: string): Promise<StreamedRun> {
    return readRun(`${this.apiUrl}/bare-run`, threadId, message);
  }

  /** Returns the memory of the app's process, including the host, after garbage collection. */
  async memory(): Promise<AppMemory> {
    const response = await fetch(`${this.apiUrl}/memory`);
    return (await response.json()) as AppMemory;
  }

  /**
   * Returns the CPU time of the app's process since its start, including the host: user and system, in microseconds.
   */
  async cpuUs(): Promise<number> {
    const response = await fetch(`${this.apiUrl}/cpu`);
    const { user, system } = (await response.json()) as NodeJS.CpuUsage;
    return user + system;
  }

  /**
   * Returns the number and bytes of the app's reads of conversations, and the bytes sent to its model, since its start.
   */
  async traffic(): Promise<{ readonly stateReads: number; readonly stateBytes: number; readonly modelBytes: number }> {
    const response = await fetch(`${this.apiUrl}/traffic`);
    return (await response.json()) as { stateReads: number; stateBytes: number; modelBytes: number };
  }

  eventsUrl(threadId: string): string {
    return `${this.apiUrl}/agents/${AGENT}/callbacks/${threadId}`;
  }

  async events(threadId: string): Promise<{ event_type: string }[]> {
    const response = await fetch(this.eventsUrl(threadId));
    return (await response.json()) as { event_type: string }[];
  }

  async #post(threadId: string, message: string, wait: boolean) {
    const response = await fetch(`${this.apiUrl}/agents/${AGENT}/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message, thread_id: threadId, wait_for_response: wait }),
    });
    return { ok: response.ok, status: response.status, text: await response.text() };
  }

  async stop(): Promise<void> {
    for (const child of this.#children) {
      const exited = once(child, 'exit');
      // An app that is asked to exit waits for its readers.
      child.kill('SIGKILL');
      await exited;
    }
  }
}

async function readRun(url: string, threadId: string, message: string): Promise<StreamedRun> {
  const start = performance.now();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ message, thread_id: threadId }),
  });
  let firstMs = Number.NaN;
  let firstAfterModelMs = Number.NaN;
  let finalMs = Number.NaN;
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (Number.isNaN(firstMs) && text.includes('event: stream\n')) {
      firstMs = performance.now() - start;
      const sentAtNs = /" sent at (\d+)"/.exec(text)?.[1];
      if (sentAtNs !== undefined) firstAfterModelMs = Number(process.hrtime.bigint() - BigInt(sentAtNs)) / 1e6;
    }
    if (Number.isNaN(finalMs) && text.includes('event: final\n')) finalMs = performance.now() - start;
  }
  if (!text.includes('event: result\n')) throw new Error(`The run of ${threadId} has no result: ${text.slice(-300)}`);
  return { firstMs, firstAfterModelMs, finalMs };
}

export function modelSettings(modelUrl: string): Record<string, string> {
  return {
    AZURE_OPENAI_ENDPOINT: modelUrl,
    AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'bench',
    AZURE_OPENAI_API_KEY: 'bench-key',
  };
}

/** Waits for a line of a child's output. Keeps reading the rest, so that the child never blocks. */
export async function firstMatch(child: ChildProcess, pattern: RegExp): Promise<string> {
  const output = child.stdout as Readable;
  const lines = createInterface({ input: output });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`A process ended with code ${code} before it was ready.`)));
    lines.on('line', (line) => {
      const found = pattern.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
}
