import { rolldown } from 'rolldown';
import { loadOnUse } from './load-on-use.js';

export interface BundledFile {
  readonly fileName: string;
  readonly code: string;
  /** Paths of its modules, absolute. */
  readonly moduleIds: readonly string[];
}

/**
 * Bundles programs with the packages that they import. Modules that are imported on demand (a store, telemetry) are in
 * separate files. The code is not minified, so that stack traces in logs stay readable.
 *
 * @param programs - the main module of each program, relative to the project folder, by the name of its file
 * @throws Error if a module is missing or the bundler warns
 */
export async function bundle(
  projectFolder: string,
  programs: Readonly<Record<string, string>>,
): Promise<readonly BundledFile[]> {
  const build = await rolldown({
    cwd: projectFolder,
    input: programs,
    platform: 'node',
    plugins: [loadOnUse(projectFolder)],
    // The Functions host provides it.
    external: ['@azure/functions-core'],
    onwarn: ({ message }) => {
      throw new Error(message);
    },
  });
  const { output } = await build.generate({
    format: 'cjs',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  });
  await build.close();
  return output.filter((file) => file.type === 'chunk');
}
