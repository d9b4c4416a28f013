import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const compress = promisify(gzip);

/** A file of the page. */
export interface DashboardAsset {
  readonly content: Uint8Array;
  /** The content compressed with gzip. */
  readonly compressed: Uint8Array;
  readonly contentType: string;
  /** Changes with the content. */
  readonly etag: string;
}

/** Reads the files of the built page, keyed by file name. By default they are next to this file. */
export async function readDashboardAssets(
  folder = path.join(__dirname, 'assets'),
): Promise<ReadonlyMap<string, DashboardAsset>> {
  const files = await readdir(folder);
  const assets = files.map(async (file): Promise<[string, DashboardAsset]> => {
    const content = await readFile(path.join(folder, file));
    const contentType = CONTENT_TYPES[path.extname(file)];
    if (contentType === undefined)
      throw new Error(`${file} has an unknown content type. Add its extension to CONTENT_TYPES.`);
    const etag = `"${createHash('sha256').update(content).digest('base64url')}"`;
    return [file, { content, compressed: await compress(content), contentType, etag }];
  });
  return new Map(await Promise.all(assets));
}
