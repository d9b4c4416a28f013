import { register } from 'node:module';
import common from '@ts-morph/common';

/*
 * Load this with `node --import` for a tool that imports the compiler API, which TypeScript 7 does not have yet. The
 * tool gets the API of an earlier version, bundled by ts-morph. A second `typescript` package would replace our `tsc`.
 */
const hooks =
  'export const resolve = (name, context, next) => ' +
  `name === 'typescript' ? { url: ${JSON.stringify(import.meta.url)}, shortCircuit: true } : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

export default common.ts;
