import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { asyncListener } from './async-listener.js';
import { listenOnLoopback } from './listen-on-loopback.js';

/** A recognizable key, so that tests can search for leaks. */
export const API_KEY = 'key-0f8fad5bd9cb469fa165';

export interface ScriptedToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: object;
}

/** How the model answers one request. */
export type ModelAnswer =
  | {
      /**
       * Streamed one by one, split exactly like this, even within a surrogate pair. A promise delays the pieces after
       * it.
       */
      readonly pieces: readonly (string | Promise<unknown>)[];
      readonly pauseMs?: number;
      /** Calls of tools that follow the pieces. */
      readonly toolCalls?: readonly ScriptedToolCall[];
      /**
       * The end of the stream. `finish` sends a finish reason and the usage. The others are silence on an open
       * connection, a cut connection, and a clean end without a finish reason. @default 'finish'
       */
      readonly end?: 'finish' | 'silence' | 'cut' | 'no-finish-reason';
      readonly finishReason?: string;
      readonly withUsage?: boolean;
    }
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: unknown;
    };

export interface ModelRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly messages: readonly { readonly role: string; readonly content: string; readonly tool_call_id?: string }[];
    readonly [field: string]: unknown;
  };
}

export interface ScriptedModel {
  /** Base address on loopback, for AZURE_OPENAI_ENDPOINT. */
  readonly endpoint: string;
  /** The requests, oldest first. */
  readonly requests: readonly ModelRequest[];
  /** The number of clients that closed their connection before the answer was complete. */
  readonly abandonedCount: number;
  close(): Promise<void>;
}

/** The settings of an app that asks a scripted model. */
export function modelSettings({ endpoint }: Pick<ScriptedModel, 'endpoint'>): Readonly<Record<string, string>> {
  return {
    AZURE_OPENAI_ENDPOINT: endpoint,
    AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'test-deployment',
    AZURE_OPENAI_API_KEY: API_KEY,
  };
}

/** Starts a model on loopback that speaks the Azure OpenAI protocol and follows `script`. */
export async function startScriptedModel(
  script: (message: string, body: ModelRequest['body']) => ModelAnswer,
): Promise<ScriptedModel> {
  const requests: ModelRequest[] = [];
  let abandonedCount = 0;
  const server = createServer(
    asyncListener(async (request, response) => {
      response.once('close', () => {
        if (!response.writableFinished) abandonedCount += 1;
      });
      const body = (await json(request)) as ModelRequest['body'];
      requests.push({ path: request.url ?? '', headers: request.headers, body });
      await answer(response, script(body.messages.at(-1)?.content ?? '', body));
    }),
  );
  return {
    endpoint: await listenOnLoopback(server),
    requests,
    get abandonedCount() {
      return abandonedCount;
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(response: ServerResponse, scripted: ModelAnswer): Promise<void> {
  if ('status' in scripted) {
    response.writeHead(scripted.status, { 'content-type': 'application/json', ...scripted.headers });
    response.end(JSON.stringify(scripted.body));
    return;
  }
  const { pieces, pauseMs = 0, toolCalls = [], end = 'finish', withUsage = true } = scripted;
  const { finishReason = toolCalls.length > 0 ? 'tool_calls' : 'stop' } = scripted;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  // Azure starts with the result of the content filter for the prompt.
  await send(response, { choices: [], prompt_filter_results: [] });
  let sent = 0;
  for (const piece of pieces) {
    if (typeof piece !== 'string') {
      await piece;
      continue;
    }
    await send(response, { choices: [{ index: 0, delta: { content: piece }, finish_reason: null }] });
    sent += 1;
    if (pauseMs > 0) await delay(pauseMs);
  }
  for (const [index, { id, name, arguments: args }] of toolCalls.entries()) {
    const call = { index, id, type: 'function', function: { name, arguments: JSON.stringify(args) } };
    await send(response, { choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] });
  }
  switch (end) {
    case 'silence':
      return;
    case 'cut':
      response.destroy();
      return;
    case 'finish':
      await send(response, { choices: [{ index: 0, delta: {}, finish_reason: finishReason }] });
      if (withUsage) {
        const [input, output] = [7, sent];
        await send(response, {
          choices: [],
          usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
        });
      }
      break;
    case 'no-finish-reason':
      break;
  }
  response.end('data: [DONE]\n\n');
}

/** Resolves when the chunk was sent, so that cutting the connection does not lose it. */
function send(response: ServerResponse, chunk: object): Promise<void> {
  const data = JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', ...chunk });
  return new Promise((resolve) => {
    response.write(`data: ${data}\n\n`, () => resolve());
  });
}
