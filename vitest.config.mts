import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    reporters: ['default', './tests/support/count-reporter.ts'],
    // Names of tests made from values are shown whole.
    chaiConfig: { truncateThreshold: 0 },
    // Vitest gives BASE_URL a value of its own in the processes that run tests.
    provide: { baseUrl: process.env['BASE_URL'] },
    // Most of the time is spent waiting for processes, timers and pages.
    maxWorkers: 3,
    // All of these are for a machine that is very busy: what waits comes soon, or is missing for good.
    expect: { poll: { timeout: 30_000 } },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
