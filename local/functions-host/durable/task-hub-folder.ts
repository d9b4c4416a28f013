import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../make-folder.js';

/**
 * The folder for what is kept of one task hub of one app, within a folder for several of them (made when it is missing).
 * It stays the same when the app and that folder move together.
 */
export function findTaskHubFolder(journalFolder: string, appFolder: string, hubName: string): string {
  makeFolder(journalFolder);
  const root = realpathSync(journalFolder);
  // Names of task hubs differ without regard to case.
  const hub = hubName.toLowerCase();
  const app = path.relative(root, realpathSync(appFolder)).replaceAll(path.sep, '/');
  const digest = createHash('sha256')
    .update(JSON.stringify([hub, app]))
    .digest('hex');
  return path.join(root, `${hub.replaceAll(/[^a-z0-9]/g, '-').slice(0, 50)}-${digest.slice(0, 8)}`);
}
