import path from 'node:path';
import { rolldown } from 'rolldown';

/** The app and the packages that it imports. */
export interface AppBundle {
  /** The code of each file, by name. */
  readonly files: ReadonlyMap<string, string>;
  /** Name of the file that starts the app. */
  readonly main: string;
  /** Sorted folders of the bundled packages, relative to the project folder, with `/`. */
  readonly packageFolders: readonly string[];
}

/**
 * Bundles the app. Modules that it imports on demand (a store, telemetry) are in separate files. The code is not
 * minified, so that stack traces in logs stay readable.
 *
 * @throws Error if a module is missing or the bundler warns
 */
export async function bundleApp(projectFolder: string): Promise<AppBundle> {
  const bundle = await rolldown({
    cwd: projectFolder,
    input: { app: 'src/index.ts' },
    platform: 'node',
    // The Functions host provides it.
    external: ['@azure/functions-core'],
    onwarn: ({ message }) => {
      throw new Error(message);
    },
  });
  const { output } = await bundle.generate({
    format: 'cjs',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  });
  await bundle.close();
  const chunks = output.filter((file) => file.type === 'chunk');
  const packageFolders = chunks
    .flatMap(({ moduleIds }) => moduleIds.map((file) => path.relative(projectFolder, file).replaceAll(path.sep, '/')))
    .flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return {
    files: new Map(chunks.map(({ fileName, code }) => [fileName, code])),
    main: 'app.js',
    packageFolders: [...new Set(packageFolders)].toSorted(),
  };
}
