import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ThreadChange } from '../../domain/thread-changes.js';
import type { RedisClient } from '../../../storage/redis/redis-connection.js';
import { messageFieldOf, recordNameOf, runFieldOf, storeEvent, storeMessage } from './redis-stored-record.js';
import type { RedisThreadKeys } from './redis-thread-keys.js';
import { storeHead, storeRun } from '../durable/stored-schemas.js';
import type { ThreadHead } from '../../domain/thread-head.js';

/*
 * What the server does in one step: nobody sees a part of it, and it is kept whole or not at all. KEYS are the head,
 * the events and the runs of a thread.
 */

/*
 * ARGV: the tag to be found, the new one, the record's name, the head, milliseconds to live, how many fields and values
 * of the run follow, those, and six values for each event.
 * The head is written first: a server that is out of memory refuses that, with nothing changed; but it lets a script go
 * on that has freed something, as a clear does. Without a head, what is found goes as well: the head was evicted.
 */
const commitScript = createScript(`
local stored = redis.call('HMGET', KEYS[1], 'tag', 'record')
if (stored[1] or '') ~= ARGV[1] then return 0 end
if stored[2] and stored[2] ~= ARGV[3] then redis.call('UNLINK', KEYS[2], KEYS[3]) end
redis.call('HSET', KEYS[1], 'tag', ARGV[2], 'record', ARGV[3], 'head', ARGV[4])
if not stored[2] then redis.call('UNLINK', KEYS[2], KEYS[3]) end
local firstEvent = 7 + tonumber(ARGV[6])
if firstEvent > 7 then redis.call('HSET', KEYS[3], unpack(ARGV, 7, firstEvent - 1)) end
for i = firstEvent, #ARGV, 6 do
  redis.call('XADD', KEYS[2], ARGV[i] .. '-0',
    'run', ARGV[i + 1], 'attempt', ARGV[i + 2], 'at', ARGV[i + 3], 'type', ARGV[i + 4], 'fields', ARGV[i + 5])
end
for _, key in ipairs(KEYS) do
  if ARGV[5] == '' then redis.call('PERSIST', key) else redis.call('PEXPIRE', key, ARGV[5]) end
end
return 1
`);

/* ARGV: the record's name, the oldest sequence to keep, and for each run: its field, the value, the message's field. */
const removeScript = createScript(`
if redis.call('HGET', KEYS[1], 'record') ~= ARGV[1] then return 0 end
redis.call('XTRIM', KEYS[2], 'MINID', ARGV[2])
for i = 3, #ARGV, 3 do
  if redis.call('HGET', KEYS[3], ARGV[i]) == ARGV[i + 1] then redis.call('HDEL', KEYS[3], ARGV[i], ARGV[i + 2]) end
end
return 1
`);

/* ARGV: the longest time to live that a key may have, and the one to give to those that have a longer one or none. */
const limitLifeScript = createScript(`
for _, key in ipairs(KEYS) do
  local life = redis.call('PTTL', key)
  if life == -1 or life > tonumber(ARGV[1]) then redis.call('PEXPIRE', key, ARGV[2]) end
end
return redis.call('EXISTS', KEYS[1])
`);

/*
 * A reply is bounded by its bytes, because one event or message may be as large as many others together. A page that is
 * cut short holds at least one of the values that were asked for.
 */

/* KEYS: the events. ARGV: the first id, how many entries at most, and about how many bytes. */
const readEventsScript = createScript(`
local found, bytes, from = {}, 0, ARGV[1]
while #found < tonumber(ARGV[2]) and bytes < tonumber(ARGV[3]) do
  local some = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', math.min(16, tonumber(ARGV[2]) - #found))
  for _, entry in ipairs(some) do
    if bytes >= tonumber(ARGV[3]) then break end
    for _, value in ipairs(entry[2]) do bytes = bytes + #value end
    found[#found + 1] = entry
    from = '(' .. entry[1]
  end
  if #some == 0 then break end
end
return found
`);

/* KEYS: a hash. ARGV: about how many bytes, and the fields. */
const readFieldsScript = createScript(`
local values, bytes = {}, 0
for i = 2, #ARGV do
  if bytes >= tonumber(ARGV[1]) then break end
  local value = redis.call('HGET', KEYS[1], ARGV[i])
  if value then bytes = bytes + #value end
  values[i - 1] = value
end
return values
`);

const MAX_REPLY_BYTES = 1024 * 1024;
const MAX_FIELDS = 1000;

/** @returns entries of a stream from an id on: as many as asked for, or fewer if they are large, or if there are no more */
export async function readEntries(
  client: RedisClient,
  key: string,
  first: number,
  limit: number,
): Promise<{ readonly id: string; readonly message: Record<string, string> }[]> {
  const values = [String(first), String(limit), String(MAX_REPLY_BYTES)];
  const entries = entriesReply.parse(await evaluate(client, readEventsScript, [key], values));
  return entries.map(([id, fields]) => {
    const message: Record<string, string> = {};
    for (let index = 0; index < fields.length; index += 2) message[fields[index] ?? ''] = fields[index + 1] ?? '';
    return { id, message };
  });
}

/**
 * Reads fields of a hash.
 *
 * @returns the values of the first of them, in their order and at least one; `null` for a field that is not there
 */
export async function readFields(
  client: RedisClient,
  key: string,
  fields: readonly string[],
): Promise<(string | null)[]> {
  const values = [String(MAX_REPLY_BYTES), ...fields.slice(0, MAX_FIELDS)];
  return fieldsReply.parse(await evaluate(client, readFieldsScript, [key], values));
}

const entriesReply = z.array(z.tuple([z.string(), z.array(z.string())]));
const fieldsReply = z.array(z.string().nullable()).min(1);

/**
 * Applies a change if the head has the expected tag; `undefined`: if there is none.
 *
 * @param ttlMs of all that is kept of the thread, from now on; absent: it does not expire
 * @returns whether it was so
 */
export async function runCommitScript(
  client: RedisClient,
  keys: RedisThreadKeys,
  tag: { readonly expected: string | undefined; readonly next: string },
  { head, run, isNewMessage, events }: ThreadChange,
  ttlMs: number | undefined,
): Promise<boolean> {
  const runValues: string[] = [];
  if (run !== undefined) {
    const field = runFieldOf(head.epoch, run.correlationId);
    runValues.push(field, storeRun(run));
    if (isNewMessage) runValues.push(messageFieldOf(field), storeMessage(run.requestMessage));
  }
  return runScript(client, commitScript, keys, [
    tag.expected ?? '',
    tag.next,
    recordNameOf(head),
    storeHead(head),
    ttlMs === undefined ? '' : String(ttlMs),
    String(runValues.length),
    ...runValues,
    ...events.flatMap(storeEvent),
  ]);
}

/** Removes the events before a head's `oldestSequence`, and those runs that nobody changed since they were read. */
export async function runRemoveScript(
  client: RedisClient,
  keys: RedisThreadKeys,
  head: ThreadHead,
  runs: readonly { readonly field: string; readonly value: string }[],
): Promise<void> {
  const values = runs.flatMap(({ field, value }) => [field, value, messageFieldOf(field)]);
  await runScript(client, removeScript, keys, [recordNameOf(head), String(head.oldestSequence), ...values]);
}

/**
 * Lets all that is kept of a thread expire in `lifeMs`, unless it does so within `maxLifeMs` anyway.
 *
 * @returns whether the thread is there
 */
export function runLimitLifeScript(
  client: RedisClient,
  keys: RedisThreadKeys,
  { maxLifeMs, lifeMs }: { readonly maxLifeMs: number; readonly lifeMs: number },
): Promise<boolean> {
  return runScript(client, limitLifeScript, keys, [String(maxLifeMs), String(lifeMs)]);
}

interface Script {
  readonly source: string;
  readonly sha1: string;
}

function createScript(source: string): Script {
  return { source, sha1: createHash('sha1').update(source).digest('hex') };
}

async function runScript(
  client: RedisClient,
  script: Script,
  { head, events, runs }: RedisThreadKeys,
  values: string[],
): Promise<boolean> {
  return (await evaluate(client, script, [head, events, runs], values)) === 1;
}

async function evaluate(
  client: RedisClient,
  { source, sha1 }: Script,
  keys: string[],
  values: string[],
): Promise<unknown> {
  const options = { keys, arguments: values };
  try {
    return await client.evalSha(sha1, options);
  } catch (error) {
    // The server has not run it since its start.
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(source, options);
  }
}
