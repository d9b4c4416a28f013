import { register } from 'node:module';
import common from '@ts-morph/common';

/*
 * `node --import` this for a tool that imports the compiler API, which TypeScript 7 does not have yet: the tool gets that
 * of an earlier version, bundled by ts-morph. A second `typescript` package would put its `tsc` in place of ours.
 */
const hooks =
  'export const resolve = (name, context, next) => ' +
  `name === 'typescript' ? { url: ${JSON.stringify(import.meta.url)}, shortCircuit: true } : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

export default common.ts;
