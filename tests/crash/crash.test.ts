import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DurableService, durableServices } from '../support/durable-services.js';
import { runCrashRounds } from './crash-rounds.js';
import { runToolRounds } from './tool-rounds.js';

// Each round starts the host several times. `npm run test:crash -- ROUNDS` runs more.
const ROUNDS = 2;
const TOOL_ROUNDS = 1;
const TIMEOUT_MS = 240_000;

/** Shows, if a round takes too long, which one. */
const onRound = (line: string): void => console.log(line);

for (const kind of durableServices.filter(({ name }) => /^(table|redis)/.test(name))) {
  describe.skipIf(kind.isMissing)(`a host that is killed while it answers, and restarted: ${kind.name}`, () => {
    let service: DurableService;
    beforeAll(async () => {
      service = await kind.start();
    });
    afterAll(() => service.close());

    it('loses nothing and doubles nothing', { timeout: TIMEOUT_MS }, async () => {
      const { settings: storeSettings } = service;
      const report = await runCrashRounds({ rounds: ROUNDS, storeSettings, onRound });
      expect(report).toMatchObject({ rounds: ROUNDS, runs: 3 * ROUNDS, violations: [] });
    });

    it(
      'repeats no finished tool call or model call, and no call of a tool with the effect `once`',
      { timeout: TIMEOUT_MS },
      async () => {
        const { settings: storeSettings } = service;
        const report = await runToolRounds({ rounds: TOOL_ROUNDS, storeSettings, onRound });
        expect(report).toMatchObject({
          rounds: TOOL_ROUNDS,
          runs: 4 * TOOL_ROUNDS,
          finishedCallsRepeated: 0,
          onceCallsRepeated: 0,
          finishedModelCallsRepeated: 0,
          violations: [],
        });
      },
    );
  });
}
