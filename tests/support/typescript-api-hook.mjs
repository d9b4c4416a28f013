import { register } from 'node:module';

// TypeScript 7 has no compiler API yet. Tools that need one get an earlier version, which has another name here.
register(
  `data:text/javascript,${encodeURIComponent(
    "export const resolve = (name, context, next) => next(name === 'typescript' ? 'typescript-api' : name, context);",
  )}`,
);
