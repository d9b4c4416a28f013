import { z } from 'zod';
import { ThreadStateError } from '../errors.js';

/*
 * The stored state of a thread, shared with the Python and .NET versions of the durable agent extension.
 * Every object is loose: what another version wrote survives a read and a write. `$type` comes first in each schema,
 * because .NET reads it only there.
 */

/** Written into every new state. Other minor versions are kept; other major versions are refused. */
const THREAD_STATE_SCHEMA_VERSION = '1.1.0';

const jsonObject = z.record(z.string(), z.unknown());
const textContent = z.looseObject({ $type: z.literal('text'), text: z.string() });
const errorContent = z.looseObject({
  $type: z.literal('error'),
  message: z.string().nullish(),
  errorCode: z.string().nullish(),
  details: z.unknown().optional(),
});
const contentSchema = z.discriminatedUnion('$type', [
  textContent,
  errorContent,
  z.looseObject({ $type: z.literal('reasoning'), text: z.string().nullish() }),
  z.looseObject({
    $type: z.literal('functionCall'),
    callId: z.string(),
    name: z.string(),
    /** Usually an object; the Python version also writes the JSON text of one. */
    arguments: z.union([jsonObject, z.string()]).nullish(),
  }),
  z.looseObject({ $type: z.literal('functionResult'), callId: z.string(), result: z.unknown().optional() }),
  z.looseObject({ $type: z.literal('data'), uri: z.string(), mediaType: z.string().nullish() }),
  z.looseObject({ $type: z.literal('uri'), uri: z.string(), mediaType: z.string() }),
  z.looseObject({ $type: z.literal('hostedFile'), fileId: z.string() }),
  z.looseObject({ $type: z.literal('hostedVectorStore'), vectorStoreId: z.string() }),
  z.looseObject({ $type: z.literal('usage'), usage: jsonObject }),
  z.looseObject({ $type: z.literal('unknown'), content: z.unknown() }),
]);

const messageSchema = z.looseObject({
  role: z.enum(['user', 'assistant', 'system', 'tool']),
  contents: z.array(contentSchema).optional(),
  createdAt: z.string().nullish(),
  authorName: z.string().nullish(),
});

/** No key is required, because the schema requires none and other versions omit some. */
const entrySchema = z.looseObject({
  $type: z.enum(['request', 'response', 'errorResponse', 'compaction']).optional(),
  correlationId: z.string().optional(),
  createdAt: z.string().optional(),
  messages: z.array(messageSchema).optional(),
  orchestrationId: z.string().nullish(),
  responseType: z.string().nullish(),
  responseSchema: z.unknown().optional(),
  usage: z
    .looseObject({
      inputTokenCount: z.number().nullish(),
      outputTokenCount: z.number().nullish(),
      totalTokenCount: z.number().nullish(),
      extensionData: jsonObject.nullish(),
    })
    .nullish(),
});

const versionSchema = z.object({ schemaVersion: z.string() });

const threadStateSchema = z.looseObject({
  schemaVersion: z.string(),
  data: z.looseObject({
    conversationHistory: z.array(entrySchema).default([]),
    session: jsonObject.optional(),
    expirationTimeUtc: z.string().nullish(),
    ingestedPositions: z.record(z.string(), z.int().min(0)).optional(),
    truncation: z
      .looseObject({
        evictedMessageCount: z.int().min(1),
        firstEvictedAt: z.string().optional(),
        lastEvictedAt: z.string().optional(),
      })
      .optional(),
    // Keys of version 2. A state with them is not version 1, whatever its version number says.
    terminalResults: z.undefined().optional(),
    completionReceipts: z.undefined().optional(),
    historyBinding: z.undefined().optional(),
  }),
});

/** The state of a thread's entity: the conversation. */
export type ThreadState = z.infer<typeof threadStateSchema>;

/** An entry of a thread's history. Histories are sorted, oldest entry first. */
export type ThreadEntry = z.infer<typeof entrySchema>;

/** A message with one or more contents. */
export type ThreadMessage = z.infer<typeof messageSchema> & { contents: ThreadContent[] };

/** A JSON object. */
export type JsonObject = z.infer<typeof jsonObject>;

/** A content of a message; `$type` is its kind. */
export type ThreadContent = z.infer<typeof contentSchema>;

/** The state of a thread before its first turn. */
export function createThreadState(): ThreadState {
  return { schemaVersion: THREAD_STATE_SCHEMA_VERSION, data: { conversationHistory: [] } };
}

/**
 * Parses a stored state. `undefined` and `null` mean a thread without state.
 *
 * @throws ThreadStateError for another major version or an invalid state, which must never be overwritten
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

/**
 * Validates an entry before it is stored, because an unreadable entry would make the thread unusable.
 *
 * @throws z.ZodError
 */
export function checkedEntry(entry: ThreadEntry): ThreadEntry {
  return entrySchema.parse(entry);
}

const ownerSchema = z.object({ ownerId: z.string() });

/** Returns the id of the user who owns the thread. Undefined if it has no owner. */
export function ownerOf({ data }: ThreadState): string | undefined {
  return ownerSchema.safeParse(data['extensionData']).data?.ownerId;
}

/** Returns the state with a new owner. */
export function ownedBy(state: ThreadState, ownerId: string): ThreadState {
  const { data } = state;
  const earlier = jsonObject.safeParse(data['extensionData']).data;
  return { ...state, data: { ...data, extensionData: { ...earlier, ownerId } } };
}

/** Returns the joined texts of one message, without reasoning. */
export function messageText({
  contents = [],
}: Pick<ThreadMessage, 'role'> & { contents?: ThreadContent[] | undefined }): string {
  return contents.map((content) => (content.$type === 'text' ? content.text : '')).join('');
}

/** Returns the texts of an answer's messages, joined by newlines. Skips messages without text, such as tool calls. */
export function joinedText(messages: ThreadEntry['messages']): string {
  return (messages ?? [])
    .map(messageText)
    .filter((text) => text !== '')
    .join('\n');
}

/** Returns the answer of a run: the texts after its last tool call or result, joined by newlines. */
export function answerText(messages: readonly ThreadMessage[] | ThreadEntry['messages']): string {
  const last = (messages ?? []).findLastIndex(({ contents = [] }) =>
    contents.some(({ $type }) => $type === 'functionCall' || $type === 'functionResult'),
  );
  return joinedText((messages ?? []).slice(last + 1));
}

/** Returns the response to a run, even if it failed; `undefined` until there is one. */
export function findResponse(history: readonly ThreadEntry[], correlationId: string): ThreadEntry | undefined {
  return history.find(
    (entry) => (entry.$type === 'response' || entry.$type === 'errorResponse') && entry.correlationId === correlationId,
  );
}

/** Returns why a run failed; `undefined` if it completed. */
export function responseError(response: ThreadEntry): z.infer<typeof errorContent> | undefined {
  const contents = (response.messages ?? []).flatMap((message) => message.contents ?? []);
  const error = contents.find((content) => content.$type === 'error');
  if (error === undefined && response.$type === 'errorResponse') {
    return { $type: 'error', message: joinedText(response.messages) || undefined };
  }
  return error;
}

/**
 * Returns the entries to replay to the model. Omits failed runs with their requests, because a replayed error could
 * make every later run fail, too.
 */
export function replayableEntries(history: readonly ThreadEntry[]): ThreadEntry[] {
  const failed = history.filter((entry) => responseError(entry) !== undefined);
  const failedRuns = new Set(failed.map(({ correlationId }) => correlationId).filter((id) => id !== undefined));
  return history.filter(
    (entry) =>
      responseError(entry) === undefined && !(entry.correlationId !== undefined && failedRuns.has(entry.correlationId)),
  );
}

/** Returns the messages of the {@link replayableEntries} for the model: oldest first, without reasoning. */
export function replayableMessages(history: readonly ThreadEntry[]): ThreadMessage[] {
  return replayableEntries(history)
    .flatMap((entry) => entry.messages ?? [])
    .map(({ contents = [], ...message }) => ({
      ...message,
      contents: contents.filter((content) => content.$type !== 'reasoning'),
    }))
    .filter(({ contents }) => contents.length > 0);
}
