import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { lockFolder, type FolderLock } from '../folder-lock.js';
import { makeFolder } from '../make-folder.js';
import { isSystemError } from '../durable/journal-errors.js';
import { toInstanceId, type EntityId } from './entity-id.js';
import type { EntityRecord } from './entity-record.js';
import { JournalUnreadableError } from './journal-errors.js';

/** Stores the entities of one task hub in a folder, so that they survive any exit of the process. */
export interface EntityJournal {
  /** Content of the folder when it was opened. */
  readonly found: readonly EntityRecord[];
  /** Stores an entity atomically. It is stored when this returns. */
  write(record: EntityRecord): void;
  remove(id: EntityId): void;
  /** Releases the folder. Later writes throw. */
  close(): void;
}

const suffix = '.json';
const temporarySuffix = '.tmp';
const version = 1;

const entityId = z.object({ name: z.string(), key: z.string() });
const operation = z.object({
  name: z.string(),
  input: z.string().nullable(),
  deliveries: z.int().positive().exactOptional(),
});
const jsonText = z.string().refine(isJson, 'expected JSON text');
const fileContent = z.object({
  version: z.literal(version),
  id: entityId,
  state: z.object({ text: jsonText.optional(), lastOperationTime: z.iso.datetime() }).optional(),
  operations: z.array(operation),
  signals: z.array(z.object({ target: entityId, operation })),
});

/**
 * Opens the journal in a folder, which is created if missing. Each entity has one file.
 *
 * A change is written to a temporary file, which then replaces the old one, so that a crash leaves one of them complete.
 * Files are not flushed to disk (`fsync`): they survive the process without it, and for a development host a power loss
 * does not justify the cost. A file damaged by a power loss is rejected when the journal is opened.
 *
 * If the folder is deleted, the next change recreates it. Entities that do not change again are lost.
 *
 * @throws FolderInUseError if another process has it open; JournalUnreadableError; system errors
 */
export function openEntityJournal(folder: string): EntityJournal {
  let lock = takeFolder(folder);
  let isOpen = true;
  const requireFolder = (): void => {
    if (!isOpen) throw new Error('The journal is closed.');
    if (!lock.isHeld()) lock = retakeFolder(folder);
  };
  try {
    return {
      found: readAll(folder),
      write(record) {
        requireFolder();
        const file = path.join(folder, nameFile(record.id));
        writeFileSync(file + temporarySuffix, describe(record));
        renameSync(file + temporarySuffix, file);
      },
      remove(id) {
        requireFolder();
        rmSync(path.join(folder, nameFile(id)), { force: true });
      },
      close() {
        isOpen = false;
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function takeFolder(folder: string): FolderLock {
  makeFolder(folder);
  return lockFolder(folder);
}

/** Recreates a deleted folder, unless another host has stored entities there since, which must not be overwritten. */
function retakeFolder(folder: string): FolderLock {
  const lock = takeFolder(folder);
  if (!readdirSync(folder).some(isRecordFile)) return lock;
  lock.release();
  throw new Error(`${folder} was deleted, and another host has stored its entities there since.`);
}

/** Hashes the id, because keys are case-sensitive and can contain characters that are invalid in file names. */
function nameFile(id: EntityId): string {
  // JSON escapes lone surrogates. UTF-8 would map different ones to the same bytes.
  const digest = createHash('sha256')
    .update(JSON.stringify(toInstanceId(id)))
    .digest('hex');
  return digest.slice(0, 32) + suffix;
}

function describe({ id, state, operations, signals }: EntityRecord): string {
  const kept = state && { text: state.text, lastOperationTime: state.lastOperationTime };
  return JSON.stringify({ version, id, state: kept, operations, signals });
}

function readAll(folder: string): EntityRecord[] {
  const names = readdirSync(folder);
  for (const name of names) {
    // The process exited before the change was committed, so nobody relies on it.
    if (name.endsWith(suffix + temporarySuffix)) unlinkSync(path.join(folder, name));
  }
  return names.filter(isRecordFile).map((name) => readRecord(path.join(folder, name)));
}

function isRecordFile(name: string): boolean {
  return name.endsWith(suffix);
}

function readRecord(file: string): EntityRecord {
  const { id, state, operations, signals } = parseFile(file);
  if (path.basename(file) !== nameFile(id)) {
    throw new JournalUnreadableError(file, `it contains ${toInstanceId(id)}, which belongs in another file.`);
  }
  return {
    id,
    state: state && { id, text: state.text, lastOperationTime: new Date(state.lastOperationTime) },
    operations,
    signals,
  };
}

function parseFile(file: string): z.infer<typeof fileContent> {
  try {
    return fileContent.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (error instanceof SyntaxError || isSystemError(error)) {
      throw new JournalUnreadableError(file, error.message, { cause: error });
    }
    if (error instanceof z.ZodError) throw new JournalUnreadableError(file, z.prettifyError(error), { cause: error });
    throw error;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
