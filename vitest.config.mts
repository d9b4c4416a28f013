import { defineConfig } from 'vitest/config';
import { SlowFirstSequencer } from './tests/support/slow-first-sequencer.mts';

/** Tests that change their process: functions of the app, OpenTelemetry SDK, identity server, console of the OpenAI SDK. */
const isolated = [
  'tests/{api,telemetry}/**/*.test.ts',
  'tests/foreign-principal.test.ts',
  'tests/openai/model-failures.test.ts',
  'tests/storage/redis/entra-credentials.test.ts',
];

/** Its files share one app per store. */
const contract = 'tests/contract/**/*.test.ts';

const options = {
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
      // Loading all modules again for each file would take more CPU time than the tests themselves.
      {
        test: {
          ...options,
          name: 'shared',
          include: ['tests/**/*.test.ts'],
          exclude: [...isolated, contract],
          isolate: false,
        },
      },
      {
        test: {
          ...options,
          name: 'contract',
          include: [contract],
          isolate: false,
          globalSetup: './tests/contract/start-targets.ts',
          // Vitest overwrites BASE_URL.
          provide: { baseUrl: process.env['BASE_URL'] },
        },
      },
      { test: { ...options, name: 'isolated', include: isolated } },
    ],
    reporters: ['default', './tests/support/count-reporter.ts'],
    // Most of the time is spent waiting for processes, timers and pages.
    maxWorkers: 4,
    sequence: { sequencer: SlowFirstSequencer },
  },
});
