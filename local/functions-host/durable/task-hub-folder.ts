import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../make-folder.js';

/**
 * Returns the folder for one task hub of one app inside the journal folder, which is created if missing. Its name does not
 * change if the app and the journal folder move together.
 */
export function findTaskHubFolder(journalFolder: string, appFolder: string, hubName: string): string {
  makeFolder(journalFolder);
  const root = realpathSync(journalFolder);
  // Task hub names are case-insensitive.
  const hub = hubName.toLowerCase();
  const app = path.relative(root, realpathSync(appFolder)).replaceAll(path.sep, '/');
  const digest = createHash('sha256')
    .update(JSON.stringify([hub, app]))
    .digest('hex');
  return path.join(root, `${hub.replaceAll(/[^a-z0-9]/g, '-').slice(0, 50)}-${digest.slice(0, 8)}`);
}
