import { defineConfig } from 'vitest/config';
import { SlowFirstSequencer } from './tests/support/slow-first-sequencer.mts';

/** Its files share one app per store. */
const contract = 'tests/contract/**/*.test.ts';

const options = {
  // Loading all modules again for each file would take more CPU time than the tests themselves.
  isolate: false,
  // Larger than V8's default of 16 MiB for new objects: collecting them takes 5 % less CPU time in total.
  execArgv: ['--max-semi-space-size=32'],
  // Shows names of tests made from values in full.
  chaiConfig: { truncateThreshold: 0 },
  // Generous, for a very busy machine.
  expect: { poll: { timeout: 30_000 } },
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    projects: [
      { test: { ...options, name: 'shared', include: ['tests/**/*.test.ts'], exclude: [contract] } },
      {
        test: {
          ...options,
          name: 'contract',
          include: [contract],
          globalSetup: './tests/contract/start-targets.ts',
          // Vitest overwrites BASE_URL.
          provide: { baseUrl: process.env['BASE_URL'] },
        },
      },
    ],
    reporters: ['default', './tests/support/count-reporter.ts'],
    // Most of the time is spent waiting for processes, timers and pages.
    maxWorkers: 6,
    sequence: { sequencer: SlowFirstSequencer },
  },
});
