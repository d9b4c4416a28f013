import { startAzuriteTableServer } from '../support/azurite-table-server.js';
import { startRedisServer } from '../support/redis-server.js';
import { type CrashReport, runCrashRounds } from './crash-rounds.js';
import { runToolRounds, type ToolReport } from './tool-rounds.js';

// `npm run test:crash -- 100`: runs this many rounds of each suite over each durable store that runs on this machine.
// `npm run test:crash -- 100 tools`: runs one suite.

const suites = { answers: showAnswers, tools: showTools };

async function main(): Promise<void> {
  const [roundsText = '5', ...names] = process.argv.slice(2);
  const rounds = Number(roundsText);
  if (!Number.isInteger(rounds) || rounds < 1 || names.some((name) => !(name in suites))) {
    throw new Error(`Usage: npm run test:crash -- ROUNDS [${Object.keys(suites).join('|')}]`);
  }
  const azurite = await startAzuriteTableServer();
  const redis = await startRedisServer();
  const stores = [
    ['table', { CALLBACK_STORE: 'table', AzureWebJobsStorage: azurite.newAccount().connectionString }],
    ['redis', { CALLBACK_STORE: 'redis', CALLBACK_REDIS_URL: redis.url }],
  ] as const;
  try {
    for (const [name, show] of Object.entries(suites)) {
      if (names.length > 0 && !names.includes(name)) continue;
      for (const [store, storeSettings] of stores) {
        const onRound = (line: string): void => console.log(`${name}, ${store}, ${line}`);
        const { text, violations } = await show(store, { rounds, storeSettings, onRound });
        console.log([...text, ...violations.map((violation) => `    ${violation}`)].join('\n'));
        if (violations.length > 0) process.exitCode = 1;
      }
    }
  } finally {
    await azurite.close();
    await redis.close();
  }
}

type Options = Parameters<typeof runCrashRounds>[0];
type Shown = Pick<CrashReport, 'violations'> & { readonly text: readonly string[] };

async function showAnswers(store: string, options: Options): Promise<Shown> {
  const { rounds, kills, runs, phases, attempts, violations, ...report } = await runCrashRounds(options);
  const text = [
    `${store}: ${rounds} rounds, ${kills} kills, ${runs} accepted runs`,
    `  phase of a run at the first kill: ${list(phases)}`,
    `  attempts that runs took: ${list(attempts)}`,
    `  runs cancelled at some moment: ${list(report.cancelledRuns)}; threads deleted: ${report.deletedThreads}`,
    `  lost, doubled, mixed or revived: ${violations.length}`,
  ];
  return { text, violations };
}

async function showTools(store: string, options: Options): Promise<Shown> {
  const { rounds, kills, runs, attempts, ends, violations, ...report }: ToolReport = await runToolRounds(options);
  const text = [
    `${store}: ${rounds} rounds, ${kills} kills, ${runs} accepted runs with tools`,
    `  attempts that runs took: ${list(attempts)}`,
    `  ends of runs: ${list(ends)}`,
    `  approvals: ${report.approvals}`,
    `  steps finished at a kill: ${report.finishedSteps}`,
    `  steps taken over: ${report.stepsTakenOver}; interrupted calls of repeatable tools made again: ${report.interruptedCallsRepeated}`,
    `  finished tool calls repeated: ${report.finishedCallsRepeated}; once calls repeated: ${report.onceCallsRepeated}; ` +
      `finished model calls repeated: ${report.finishedModelCallsRepeated}`,
    `  violations: ${violations.length}`,
  ];
  return { text, violations };
}

function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([what, count]) => `${what}: ${count}`)
    .join(', ');
}

void main();
