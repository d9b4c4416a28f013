import { z } from 'zod';
import { ThreadStateError } from '../errors.js';

/*
 * The state of a thread as it is stored, shared with the Python and .NET versions of the durable agent extension.
 * Every object is loose: what another version wrote survives a read and a write. `$type` stands first in each schema,
 * as .NET reads it only there.
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

/** No key is required: that is the rule of the schema, and other versions make use of it. */
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
    // Of version 2: a state that has them is not one of version 1, whatever it says.
    terminalResults: z.undefined().optional(),
    completionReceipts: z.undefined().optional(),
    historyBinding: z.undefined().optional(),
  }),
});

/** What the entity of a thread keeps: the conversation. */
export type ThreadState = z.infer<typeof threadStateSchema>;

/** An entry of a thread's history, which is in order, oldest first. */
export type ThreadEntry = z.infer<typeof entrySchema>;

/** What somebody said, in one piece or several. */
export type ThreadMessage = z.infer<typeof messageSchema> & { contents: ThreadContent[] };

/** An object as JSON has it. */
export type JsonObject = z.infer<typeof jsonObject>;

/** A piece of a message; its `$type` tells the kind. */
export type ThreadContent = z.infer<typeof contentSchema>;

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

/**
 * Validates an entry that is going to be stored: one that cannot be read again would make the thread unusable.
 *
 * @throws z.ZodError
 */
export function checkedEntry(entry: ThreadEntry): ThreadEntry {
  return entrySchema.parse(entry);
}

const ownerSchema = z.object({ ownerId: z.string() });

/** The id of the user who owns the thread. Undefined if it has no owner. */
export function ownerOf({ data }: ThreadState): string | undefined {
  return ownerSchema.safeParse(data['extensionData']).data?.ownerId;
}

/** The state of a thread that belongs to this user from now on. */
export function ownedBy(state: ThreadState, ownerId: string): ThreadState {
  const { data } = state;
  const earlier = jsonObject.safeParse(data['extensionData']).data;
  return { ...state, data: { ...data, extensionData: { ...earlier, ownerId } } };
}

/** The texts of one message, in order, without reasoning. */
export function messageText({
  contents = [],
}: Pick<ThreadMessage, 'role'> & { contents?: ThreadContent[] | undefined }): string {
  return contents.map((content) => (content.$type === 'text' ? content.text : '')).join('');
}

/** The texts of an answer's messages, joined by newlines; messages without text (tool calls) add nothing. */
export function joinedText(messages: ThreadEntry['messages']): string {
  return (messages ?? [])
    .map(messageText)
    .filter((text) => text !== '')
    .join('\n');
}

/** The answer of a run: the texts after its last tool call or result, joined by newlines. */
export function answerText(messages: readonly ThreadMessage[] | ThreadEntry['messages']): string {
  const last = (messages ?? []).findLastIndex(({ contents = [] }) =>
    contents.some(({ $type }) => $type === 'functionCall' || $type === 'functionResult'),
  );
  return joinedText((messages ?? []).slice(last + 1));
}

/** The response to a run, also a failed one; `undefined` until there is one. */
export function findResponse(history: readonly ThreadEntry[], correlationId: string): ThreadEntry | undefined {
  return history.find(
    (entry) => (entry.$type === 'response' || entry.$type === 'errorResponse') && entry.correlationId === correlationId,
  );
}

/** Why a run failed; `undefined` for an answered one. */
export function responseError(response: ThreadEntry): z.infer<typeof errorContent> | undefined {
  const contents = (response.messages ?? []).flatMap((message) => message.contents ?? []);
  const error = contents.find((content) => content.$type === 'error');
  if (error === undefined && response.$type === 'errorResponse') {
    return { $type: 'error', message: joinedText(response.messages) || undefined };
  }
  return error;
}

/**
 * The entries that are replayed to the model. Leaves out failed runs with their requests: an error that is replayed would
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

/** The messages of a history's {@link replayableEntries} as the model gets them: oldest first, without reasoning. */
export function replayableMessages(history: readonly ThreadEntry[]): ThreadMessage[] {
  return replayableEntries(history)
    .flatMap((entry) => entry.messages ?? [])
    .map(({ contents = [], ...message }) => ({
      ...message,
      contents: contents.filter((content) => content.$type !== 'reasoning'),
    }))
    .filter(({ contents }) => contents.length > 0);
}
