import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openEntityJournal } from '../../../local/functions-host/durable/entity-journal.js';
import type { EntityRecord } from '../../../local/functions-host/durable/entity-record.js';
import { makeFolder } from '../support/folders.js';

function recordOf(key: string, text = '[]'): EntityRecord {
  const id = { name: 'agent', key };
  return {
    id,
    state: { id, text, lastOperationTime: new Date(1_767_225_600_123) },
    operations: [
      { name: 'run', input: '{"message":"é 😀"}' },
      { name: 'reset', input: null },
    ],
    signals: [{ target: { name: 'other', key: 'k' }, operation: { name: 'note', input: '1' } }],
  };
}

function readAgain(folder: string): readonly EntityRecord[] {
  const journal = openEntityJournal(folder);
  journal.close();
  return journal.found;
}

describe('the entity journal', () => {
  test('returns the state that was written last', async () => {
    const folder = path.join(await makeFolder(), 'made', 'when-missing');
    const journal = openEntityJournal(folder);
    expect(journal.found).toEqual([]);
    journal.write(recordOf('a', '"first"'));
    journal.write(recordOf('a', '"second"'));
    const without = { ...recordOf('b'), state: undefined, signals: [] };
    journal.write(without);
    journal.write(recordOf('removed'));
    journal.remove({ name: 'agent', key: 'removed' });
    journal.remove({ name: 'agent', key: 'never there' });
    journal.close();
    const found = readAgain(folder);
    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining([recordOf('a', '"second"'), without]));
  });

  test.each([
    ['only by case', ['Key', 'key']],
    ['only by half a surrogate pair', ['\ud83d', '\ud83e']],
    ['by characters that file names cannot contain', ['..', '.', 'a:b', 'con', ' ', 'k'.repeat(500)]],
  ])('separates keys that differ %s', async (_how, keys) => {
    const folder = await makeFolder();
    const journal = openEntityJournal(folder);
    for (const key of keys) journal.write(recordOf(key, JSON.stringify(key)));
    journal.close();
    expect(readAgain(folder)).toHaveLength(keys.length);
    expect(readAgain(folder)).toEqual(expect.arrayContaining(keys.map((key) => recordOf(key, JSON.stringify(key)))));
    const names = (await readdir(folder)).map((name) => name.toLowerCase());
    expect(new Set(names).size).toBe(keys.length);
  });

  test('ignores an incomplete write', async () => {
    const folder = await makeFolder();
    const journal = openEntityJournal(folder);
    journal.write(recordOf('a'));
    journal.close();
    const [name = ''] = await readdir(folder);
    await writeFile(path.join(folder, `${name}.tmp`), '{"version":1,"id"');
    expect(readAgain(folder)).toEqual([recordOf('a')]);
    expect(await readdir(folder)).toEqual([name]);
  });

  test.each([
    ['empty', () => ''],
    ['torn', (text: string) => text.slice(0, -20)],
    ['of another version', (text: string) => text.replace('"version":1', '"version":2')],
    ['missing its operations', (text: string) => text.replace('"operations"', '"others"')],
    ['invalid because its state is not JSON', (text: string) => text.replace('"text":"[]"', '"text":"{{{"')],
    ["another entity's", (text: string) => text.replace('"key":"a"', '"key":"b"')],
  ])('rejects a file that is %s, names it, and does not change it', async (_how, damage) => {
    const folder = await makeFolder();
    const journal = openEntityJournal(folder);
    journal.write(recordOf('a'));
    journal.close();
    const [name = ''] = await readdir(folder);
    const file = path.join(folder, name);
    const damaged = damage(await readFile(file, 'utf8'));
    await writeFile(file, damaged);
    expect(() => openEntityJournal(folder)).toThrow(expect.objectContaining({ name: 'JournalUnreadableError', file }));
    expect(await readFile(file, 'utf8')).toBe(damaged);
    // The folder contains no lock either.
    expect(await readdir(folder)).toEqual([name]);
  });

  test('rejects a folder in place of a file, and names it', async () => {
    const folder = await makeFolder();
    const file = path.join(folder, 'a.json');
    await mkdir(file);
    expect(() => openEntityJournal(folder)).toThrow(expect.objectContaining({ name: 'JournalUnreadableError', file }));
    expect(await readdir(folder)).toEqual(['a.json']);
  });

  test('continues in a new folder if its own is deleted, and locks it', async () => {
    const folder = await makeFolder();
    const journal = openEntityJournal(folder);
    journal.write(recordOf('forgotten'));
    await rm(folder, { recursive: true });
    journal.remove({ name: 'agent', key: 'forgotten' });
    expect(() => openEntityJournal(folder)).toThrow(expect.objectContaining({ name: 'FolderInUseError' }));
    await rm(folder, { recursive: true });
    journal.write(recordOf('a'));
    expect(() => openEntityJournal(folder)).toThrow(expect.objectContaining({ name: 'FolderInUseError' }));
    journal.close();
    expect(readAgain(folder)).toEqual([recordOf('a')]);
  });

  test('overwrites nothing that another host has stored in a new folder', async () => {
    const folder = await makeFolder();
    const journal = openEntityJournal(folder);
    journal.write(recordOf('a', '"as the other host has it"'));
    const [file = ''] = (await readdir(folder)).filter((name) => name.endsWith('.json'));
    const text = await readFile(path.join(folder, file));
    await rm(folder, { recursive: true });
    await mkdir(folder);
    await writeFile(path.join(folder, file), text);
    const otherLock = path.join(folder, `host-${process.ppid}-unknown.lock`);
    await writeFile(otherLock, '');
    expect(() => journal.write(recordOf('a'))).toThrow(expect.objectContaining({ name: 'FolderInUseError' }));
    await rm(otherLock);
    expect(() => journal.write(recordOf('a'))).toThrow('another host');
    expect(readAgain(folder)).toEqual([recordOf('a', '"as the other host has it"')]);
  });

  test('can be open only once, and rejects writes after it is closed', async () => {
    const folder = await makeFolder();
    const journal = openEntityJournal(folder);
    expect(() => openEntityJournal(folder)).toThrow(
      expect.objectContaining({ name: 'FolderInUseError', folder, processId: process.pid }),
    );
    journal.close();
    expect(() => journal.write(recordOf('a'))).toThrow('closed');
    expect(() => journal.remove({ name: 'agent', key: 'a' })).toThrow('closed');
    expect(readAgain(folder)).toEqual([]);
  });
});
