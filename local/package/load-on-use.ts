import { createRequire } from 'node:module';
import path from 'node:path';
import type { Plugin } from 'rolldown';

/**
 * Packages that durable-functions loads at its start, although only its client or its orchestrations use them. They are
 * a quarter of the app's start.
 */
const PACKAGES = ['axios', 'moment', 'validator'];
const IMPORT = new RegExp(`^const (\\w+) = require\\("(${PACKAGES.join('|')})"\\);$`, 'gm');

/** A bundler plugin: durable-functions loads large packages when it first uses them, each from a file of its own. */
export function loadOnUse(projectFolder: string): Plugin {
  const fromProject = createRequire(path.join(projectFolder, 'package.json'));
  const library = path.dirname(fromProject.resolve('durable-functions'));
  const fromLibrary = createRequire(path.join(library, 'index.js'));
  return {
    name: 'load-on-use',
    buildStart() {
      for (const name of PACKAGES) {
        this.emitFile({ type: 'chunk', id: fromLibrary.resolve(name), fileName: `${name}.js` });
      }
    },
    resolveId: (id, importer) =>
      importer?.startsWith(library) === true && PACKAGES.includes(id)
        ? { id: `./${id}.js`, external: true }
        : undefined,
    transform(code, id) {
      if (!id.startsWith(library)) return undefined;
      const imports = [...code.matchAll(IMPORT)];
      return imports.reduce(
        (changed, [statement, variable, name]) =>
          changed.replace(statement, '').replaceAll(new RegExp(`\\b${variable}\\b`, 'g'), `require("${name}")`),
        code,
      );
    },
  };
}
