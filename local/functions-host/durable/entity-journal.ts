import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { lockFolder, type FolderLock } from '../folder-lock.js';
import { makeFolder } from '../make-folder.js';
import { isSystemError } from '../system-error.js';
import { toInstanceId, type EntityId } from './entity-id.js';
import type { EntityRecord } from './entity-record.js';
import { JournalUnreadableError } from './journal-errors.js';

/** Keeps the entities of one task hub in a folder, beyond the life of the process, however that ends. */
export interface EntityJournal {
  /** What was in the folder when it was opened. */
  readonly found: readonly EntityRecord[];
  /** Replaces what is kept of an entity, whole or not at all; it is kept when this returns. */
  write(record: EntityRecord): void;
  remove(id: EntityId): void;
  /** Lets go of the folder. Nothing can be written any more. */
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
 * Opens the journal in a folder, which is made when it is missing: a file for each entity.
 *
 * A change is written to another file, which then takes the place of the first: a process that ends in between leaves
 * the one or the other, whole. Nothing is flushed to the disk (`fsync`): what is written survives the process without,
 * and for a development host the loss of power is not worth what flushing costs on many machines. A file that such a
 * loss has cut is refused when the journal is opened again.
 *
 * A folder that is deleted meanwhile is made anew with the next change; what does not change any more is forgotten.
 *
 * @throws FolderInUseError when another process has it open, JournalUnreadableError, the system's errors.
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

/** Takes a folder that was deleted, unless another host has kept something there since: that must not be overwritten. */
function retakeFolder(folder: string): FolderLock {
  const lock = takeFolder(folder);
  if (!readdirSync(folder).some(isRecordFile)) return lock;
  lock.release();
  throw new Error(`${folder} was deleted, and another host has kept its entities there since.`);
}

/** Keys differ by case and may hold anything, names of files may not: the file has the id in it. */
function nameFile(id: EntityId): string {
  // As JSON text: UTF-8 has no room for half a surrogate pair, and would make keys that differ by it the same.
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
    // Its change was not promised to anybody: the process ended before the file took its place.
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
    throw new JournalUnreadableError(file, `it holds ${toInstanceId(id)}, which belongs into another file.`);
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
