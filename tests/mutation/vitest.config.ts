import { defineConfig } from 'vitest/config';

/** The tests that `npm run test:mutation` runs: those of the mutated rooms. */
export default defineConfig({
  test: {
    include: [
      'tests/durable-agents/**/*.test.ts',
      'tests/openai/**/*.test.ts',
      'tests/audit/{domain,recording}/**/*.test.ts',
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
