import { type CommandParser, defineScript } from 'redis';
import { z } from 'zod';
import type { CommitGuard, KeyRange, ValueChange } from '../key-value-store.js';

/*
 * Atomic steps of the server: readers see all of a step or nothing. KEYS is the sorted set of a partition. A reply is
 * bounded by its bytes, because one value may be as large as many others together; it contains at least one value.
 */

const FIND = `
local function find(key)
  return redis.call('ZRANGEBYLEX', KEYS[1], '[' .. key .. '\\0', '(' .. key .. '\\1', 'LIMIT', 0, 1)[1]
end
`;

const MAX_REPLY_BYTES = String(1024 * 1024);
const MAX_KEYS = 1000;

const membersReply = z.array(z.string());
const maybeMembersReply = z.array(z.string().nullable()).min(1);

/**
 * Resolves with false if the guard failed and nothing was changed.
 *
 * ARGV: the guard's key, the expected tag or nothing, the new tag, and for each change its key, 1 or 0, and the value.
 * Members are added before others are removed: a server that is out of memory refuses the first command if that adds
 * something, but lets a script continue that has freed something.
 */
const commitValues = defineScript({
  SCRIPT: `${FIND}
local guarded = find(ARGV[1])
local start = #ARGV[1] + 2
if (guarded and string.sub(guarded, start, start + 11) or '') ~= ARGV[2] then return 0 end
local replaced = {}
for i = 4, #ARGV, 3 do replaced[#replaced + 1] = find(ARGV[i]) end
for i = 4, #ARGV, 3 do
  if ARGV[i + 1] == '1' then redis.call('ZADD', KEYS[1], 0, ARGV[i] .. '\\0' .. ARGV[3] .. ARGV[i + 2]) end
end
for _, member in ipairs(replaced) do redis.call('ZREM', KEYS[1], member) end
return 1
`,
  NUMBER_OF_KEYS: 1,
  parseCommand(
    parser: CommandParser,
    partitionKey: string,
    guard: CommitGuard,
    changes: readonly ValueChange[],
    tag: string,
  ) {
    parser.pushKey(partitionKey);
    parser.push(guard.key, guard.tag ?? '', tag);
    for (const { key, value } of changes) parser.push(key, value === undefined ? '0' : '1', value ?? '');
  },
  transformReply: (reply: unknown) => reply === 1,
});

/**
 * Resolves with the members of the first keys, in the order of the keys; `null` for a key that does not exist.
 *
 * ARGV: about how many bytes, and the keys.
 */
const readMembers = defineScript({
  SCRIPT: `${FIND}
local members, bytes = {}, 0
for i = 2, #ARGV do
  if bytes >= tonumber(ARGV[1]) then break end
  local member = find(ARGV[i])
  if member then bytes = bytes + #member end
  members[i - 1] = member or false
end
return members
`,
  NUMBER_OF_KEYS: 1,
  parseCommand(parser: CommandParser, partitionKey: string, keys: readonly string[]) {
    parser.pushKey(partitionKey);
    parser.push(MAX_REPLY_BYTES, ...keys.slice(0, MAX_KEYS));
  },
  transformReply: (reply: unknown) => maybeMembersReply.parse(reply),
});

/** ARGV: about how many bytes, how many members, and the range. */
const readMemberRange = defineScript({
  SCRIPT: `
local found, bytes, from = {}, 0, '[' .. ARGV[3]
while #found < tonumber(ARGV[2]) and bytes < tonumber(ARGV[1]) do
  local count = math.min(16, tonumber(ARGV[2]) - #found)
  local some = redis.call('ZRANGEBYLEX', KEYS[1], from, '(' .. ARGV[4], 'LIMIT', 0, count)
  for _, member in ipairs(some) do
    if bytes >= tonumber(ARGV[1]) then break end
    bytes = bytes + #member
    found[#found + 1] = member
    from = '(' .. member
  end
  if #some < count then break end
end
return found
`,
  NUMBER_OF_KEYS: 1,
  parseCommand(parser: CommandParser, partitionKey: string, { from, before }: KeyRange, limit: number) {
    parser.pushKey(partitionKey);
    parser.push(MAX_REPLY_BYTES, String(limit), from, before);
  },
  transformReply: (reply: unknown) => membersReply.parse(reply),
});

export const redisScripts = { commitValues, readMembers, readMemberRange };
