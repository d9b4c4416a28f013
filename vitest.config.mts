import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    reporters: ['default', './tests/support/count-reporter.ts'],
    // Names of tests made from values are shown whole.
    chaiConfig: { truncateThreshold: 0 },
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
