import { startAzuriteTableServer } from '../support/azurite-table-server.js';
import { startRedisServer } from '../support/redis-server.js';
import { type CrashReport, runCrashRounds } from './crash-rounds.js';

// `npm run test:crash -- 100` runs 100 rounds on each durable store that is installed.

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 5);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('Usage: npm run test:crash -- ROUNDS');
  const azurite = await startAzuriteTableServer();
  const redis = await startRedisServer();
  try {
    await show('table', rounds, { CALLBACK_STORE: 'table', AzureWebJobsStorage: azurite.connectionString });
    await show('redis', rounds, { CALLBACK_STORE: 'redis', CALLBACK_REDIS_URL: redis.url });
  } finally {
    await azurite.close();
    await redis.close();
  }
}

async function show(name: string, rounds: number, storeSettings: Readonly<Record<string, string>>): Promise<void> {
  const onRound = (line: string): void => console.log(`${name}, ${line}`);
  const report = await runCrashRounds({ rounds, storeSettings, onRound });
  console.log(describe(name, report));
  if (report.violations.length > 0) process.exitCode = 1;
}

function describe(name: string, { rounds, kills, runs, phases, attempts, violations, ...report }: CrashReport): string {
  return [
    `${name}: ${rounds} rounds, ${kills} kills, ${runs} accepted runs`,
    `  phase of a run at the first kill: ${list(phases)}`,
    `  attempts that runs took: ${list(attempts)}`,
    `  runs cancelled at some moment: ${list(report.cancelledRuns)}; threads deleted: ${report.deletedThreads}`,
    `  lost, doubled, mixed or back from the dead: ${violations.length}`,
    ...violations.map((violation) => `    ${violation}`),
  ].join('\n');
}

function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([what, count]) => `${what}: ${count}`)
    .join(', ');
}

void main();
