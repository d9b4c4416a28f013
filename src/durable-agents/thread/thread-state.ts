import { z } from 'zod';
import { ThreadStateError } from '../errors.js';

/*
 * The state of a thread as it is stored, shared with the Python and .NET versions of the durable agent extension.
 * Every object is loose: what another version wrote survives a read and a write. `$type` stands first in each schema,
 * as .NET reads it only there.
 */

/** Written into every new state. Another minor version is read as well, another major one refused. */
const THREAD_STATE_SCHEMA_VERSION = '1.1.0';

const textContent = z.looseObject({ $type: z.literal('text'), text: z.string() });
const reasoningContent = z.looseObject({ $type: z.literal('reasoning'), text: z.string() });
const errorContent = z.looseObject({
  $type: z.literal('error'),
  message: z.string().nullish(),
  errorCode: z.string().nullish(),
  details: z.string().nullish(),
});
const functionCallContent = z.looseObject({
  $type: z.literal('functionCall'),
  callId: z.string(),
  name: z.string(),
  /** Usually an object; a string is the JSON text of one. */
  arguments: z.unknown().optional(),
});
const functionResultContent = z.looseObject({
  $type: z.literal('functionResult'),
  callId: z.string(),
  result: z.unknown().optional(),
});
const uriContent = z.looseObject({
  $type: z.enum(['data', 'uri']),
  uri: z.string(),
  mediaType: z.string().nullish(),
});
const knownContent = z.discriminatedUnion('$type', [
  textContent,
  reasoningContent,
  errorContent,
  functionCallContent,
  functionResultContent,
  uriContent,
]);
const knownTypes = new Set<unknown>(['text', 'reasoning', 'error', 'functionCall', 'functionResult', 'data', 'uri']);
/** Kept, but not replayed to a model: hosted files, usage, and whatever a later 1.x adds. */
const otherContent = z.looseObject({
  $type: z.custom<'hostedFile' | 'hostedVectorStore' | 'usage' | 'unknown'>(
    (type) => typeof type === 'string' && !knownTypes.has(type),
  ),
});

const messageSchema = z.looseObject({
  role: z.enum(['user', 'assistant', 'system', 'tool']),
  contents: z.array(z.union([knownContent, otherContent])),
  createdAt: z.string().nullish(),
  authorName: z.string().nullish(),
});

const requestSchema = z.looseObject({
  $type: z.literal('request'),
  correlationId: z.string(),
  createdAt: z.string(),
  messages: z.array(messageSchema),
  orchestrationId: z.string().nullish(),
  responseType: z.string().nullish(),
  responseSchema: z.unknown().optional(),
});

/** A response entry, for those who make one. */
export const threadResponseSchema = z.looseObject({
  $type: z.literal('response'),
  correlationId: z.string(),
  createdAt: z.string(),
  messages: z.array(messageSchema),
  usage: z
    .looseObject({
      inputTokenCount: z.number().nullish(),
      outputTokenCount: z.number().nullish(),
      totalTokenCount: z.number().nullish(),
      extensionData: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
});

const versionSchema = z.object({ schemaVersion: z.string() });

const threadStateSchema = z.looseObject({
  schemaVersion: z.string(),
  data: z.looseObject({
    conversationHistory: z.array(z.discriminatedUnion('$type', [requestSchema, threadResponseSchema])),
  }),
});

/** What the entity of a thread keeps: the conversation. */
export type ThreadState = z.infer<typeof threadStateSchema>;

/** What was asked in one turn. */
export type ThreadRequest = z.infer<typeof requestSchema>;

/** How one turn ended; it has the correlation id of its request. */
export type ThreadResponse = z.infer<typeof threadResponseSchema>;

/** A request or a response; a thread's history is a list of them, oldest first. */
export type ThreadEntry = ThreadRequest | ThreadResponse;

/** What somebody said, in one piece or several. */
export type ThreadMessage = z.infer<typeof messageSchema>;

/** A piece of a message, told apart by its `$type`. */
export type ThreadContent = ThreadMessage['contents'][number];

/** The state of a thread before its first turn. */
export function createThreadState(): ThreadState {
  return { schemaVersion: THREAD_STATE_SCHEMA_VERSION, data: { conversationHistory: [] } };
}

/**
 * Reads a stored state; `undefined` and `null` are a thread that has none yet.
 *
 * @throws ThreadStateError for another major version, or what is no such state at all: it must never be overwritten
 */
export function parseThreadState(stored: unknown): ThreadState {
  if (stored === undefined || stored === null) return createThreadState();
  const version = versionSchema.safeParse(stored).data?.schemaVersion;
  if (version?.split('.')[0] !== '1') {
    throw new ThreadStateError(
      `The stored state of this thread has schema version ${version ?? 'none'}; version 1.x was expected.`,
    );
  }
  const parsed = threadStateSchema.safeParse(stored);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ThreadStateError(
      `The stored state of this thread does not follow schema version ${version}, at ${issue?.path.join('.')}.`,
      { cause: parsed.error },
    );
  }
  return parsed.data;
}

/** The texts of one message, in order, without reasoning. */
export function messageText(message: ThreadMessage): string {
  return message.contents.map((content) => (content.$type === 'text' ? content.text : '')).join('');
}

/** The texts of an answer's messages, joined by newlines; messages without text (tool calls) add nothing. */
export function joinedText(messages: readonly ThreadMessage[]): string {
  return messages
    .map(messageText)
    .filter((text) => text !== '')
    .join('\n');
}

/** The answer to a run; `undefined` while there is none. */
export function findResponse(history: readonly ThreadEntry[], correlationId: string): ThreadResponse | undefined {
  return history.find(
    (entry): entry is ThreadResponse => entry.$type === 'response' && entry.correlationId === correlationId,
  );
}

/** What made a turn fail; `undefined` for an answered one. */
export function responseError(response: ThreadEntry): z.infer<typeof errorContent> | undefined {
  return response.messages.flatMap((message) => message.contents).find((content) => content.$type === 'error');
}

/**
 * What the model is told of the conversation so far, oldest first: everything but failed turns (an error, or the
 * request behind it, replayed to the model would make every later turn fail too) and reasoning.
 */
export function replayableMessages(history: readonly ThreadEntry[]): ThreadMessage[] {
  const failed = new Set(history.filter((entry) => responseError(entry)).map((entry) => entry.correlationId));
  return history
    .filter((entry) => !failed.has(entry.correlationId))
    .flatMap((entry) => entry.messages)
    .map((message) => ({
      ...message,
      contents: message.contents.filter((content) => content.$type !== 'reasoning'),
    }))
    .filter((message) => message.contents.length > 0);
}
