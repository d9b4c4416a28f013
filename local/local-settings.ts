import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { LaunchError } from './launch-error.js';
import { parseJsonWithComments } from './parse-json-with-comments.js';

/** The content of local.settings.json. Empty if the file does not exist. */
export interface LocalSettings {
  /** Whether the file exists. */
  readonly found: boolean;
  /** App settings. Numbers and booleans become text; `null` values are omitted. */
  readonly values: Readonly<Record<string, string>>;
  /** `Host.LocalHttpPort`. */
  readonly port: number | undefined;
  /** `Host.CORS` and `Host.CORSCredentials`, or undefined if no origin is listed. */
  readonly cors: { readonly origins: readonly string[]; readonly credentials: boolean } | undefined;
}

const noSettings: LocalSettings = { found: false, values: {}, port: undefined, cors: undefined };

const hostShape = {
  LocalHttpPort: z.int().min(0).max(65535).optional(),
  CORS: z.string().optional(),
  CORSCredentials: z.boolean().optional(),
};
const fileSchema = withNamesOf({
  IsEncrypted: z.boolean().optional(),
  Values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  Host: withNamesOf(hostShape).optional(),
});

/** Core Tools match the names in this file case-insensitively. */
function withNamesOf<Shape extends z.ZodRawShape>(shape: Shape) {
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]));
  return z.preprocess((content) => {
    if (typeof content !== 'object' || content === null || Array.isArray(content)) return content;
    return Object.fromEntries(
      Object.entries(content).map(([name, value]) => [names.get(name.toLowerCase()) ?? name, value]),
    );
  }, z.object(shape));
}

/**
 * Reads `local.settings.json` of a function app. Comments are allowed, as in Core Tools.
 *
 * @throws LaunchError if the file is malformed or encrypted, or has settings in the wrong place
 */
export async function readLocalSettings(appFolder: string): Promise<LocalSettings> {
  const file = path.join(appFolder, 'local.settings.json');
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return noSettings;
    throw error;
  }
  // Windows PowerShell redirects output as UTF-16.
  if (!isUtf8(bytes)) throw new LaunchError(`${file} is not UTF-8. Save it with this encoding.`);

  let content: unknown;
  try {
    content = parseJsonWithComments(bytes.toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new LaunchError(`${file} is not valid JSON: ${error.message}`, { cause: error });
  }

  const parsed = fileSchema.safeParse(content);
  if (!parsed.success) {
    throw new LaunchError(`${file} is invalid:\n${z.prettifyError(parsed.error)}`, { cause: parsed.error });
  }
  const misplaced = Object.keys(Object(content)).filter((name) => /^[A-Z][A-Z0-9]*_[A-Z0-9_]*$/.test(name));
  if (misplaced.length > 0) {
    throw new LaunchError(
      `${file} has settings outside of "Values": ${misplaced.join(', ')}. Move them into "Values".`,
    );
  }
  const { IsEncrypted, Values = {}, Host = {} } = parsed.data;
  if (IsEncrypted) {
    throw new LaunchError(`${file} is encrypted. Run "func settings decrypt" first.`);
  }
  // Browsers send an origin without a slash at its end.
  const origins = (Host.CORS ?? '').split(',').flatMap((origin) => origin.trim().replace(/\/+$/, '') || []);
  return {
    found: true,
    values: Object.fromEntries(
      Object.entries(Values).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]])),
    ),
    port: Host.LocalHttpPort,
    cors: origins.length === 0 ? undefined : { origins, credentials: Host.CORSCredentials ?? false },
  };
}
