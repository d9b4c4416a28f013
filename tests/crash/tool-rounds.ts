import { randomInt } from 'node:crypto';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadSettings } from '../../src/settings/load-settings.js';
import { createKeyValueStore } from '../../src/storage/create-key-value-store.js';
import { type LocalApp, startLocalApp } from '../support/local-app.js';
import { startScriptedModel } from '../support/scripted-model.js';
import type { AcceptedRun } from './check-thread.js';
import type { CrashOptions } from './crash-rounds.js';
import {
  answerLedgerRun,
  checkEnd,
  endOf,
  type FinishedStep,
  finishedSteps,
  isOnceCall,
  LEDGER_AGENT,
  readLedger,
} from './ledger-run.js';
import { ThreadApi } from './thread-api.js';

const KILL_WITHIN_MS = 1500;
const APPROVE_WITHIN_MS = 150;
const SECOND_KILL_CHANCE = 0.3;
const SETTLE_WITHIN_MS = 60_000;

/** What came of kills of a host whose runs call tools. */
export interface ToolReport {
  readonly rounds: number;
  readonly kills: number;
  readonly runs: number;
  /** How many runs took so many attempts. */
  readonly attempts: Readonly<Record<string, number>>;
  /** How many runs ended in which way: `answered`, or an error code. */
  readonly ends: Readonly<Record<string, number>>;
  /** Decisions that the host took on calls that need approval. */
  readonly approvals: number;
  /** Recorded model calls and tool calls that a later attempt took over. */
  readonly stepsTakenOver: number;
  /** Calls of repeatable tools that a kill interrupted, and that were made again. */
  readonly interruptedCallsRepeated: number;
  /** Tool calls that were made again although their result was recorded. Must be 0. */
  readonly finishedCallsRepeated: number;
  /** Calls of `once` tools that were made again. Must be 0. */
  readonly onceCallsRepeated: number;
  /** Model calls that were made again although their answer was recorded. Must be 0. */
  readonly finishedModelCallsRepeated: number;
  /** What is wrong, in words. Must be empty. */
  readonly violations: readonly string[];
}

/**
 * Kills the host with SIGKILL at random moments while four runs call tools that append to a file, and starts it again.
 * Three of the runs also call a tool whose effect is `once`, one of them a tool that needs approval, which is sent twice
 * at once. Counts in the file, and at the model, what was done again.
 */
export async function runToolRounds({ rounds, storeSettings, onRound }: CrashOptions): Promise<ToolReport> {
  const { folder, ledgerFile } = await makeAppFolder();
  const modelCalls = new Map<string, number>();
  const model = await startScriptedModel((_, body) => answerLedgerRun(body, modelCalls));
  const settings = {
    ...storeSettings,
    AZURE_OPENAI_ENDPOINT: model.endpoint,
    AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: 'test-deployment',
    AZURE_OPENAI_API_KEY: 'key-of-the-crash-test',
    CALLBACK_LOG_PREVIEW_CHARS: '0',
    AGENT_MAX_ATTEMPTS: '100',
    LEDGER_FILE: ledgerFile,
  };
  const start = (): Promise<LocalApp> =>
    startLocalApp(settings, { dataFolder: path.join(folder, 'host'), appFolder: folder });
  const store = createKeyValueStore(loadSettings(settings).callbackStore, console);
  const report = {
    rounds: 0,
    kills: 0,
    runs: 0,
    attempts: {} as Record<string, number>,
    ends: {} as Record<string, number>,
    approvals: 0,
    stepsTakenOver: 0,
    finishedCallsRepeated: 0,
    finishedModelCallsRepeated: 0,
    violations: [] as string[],
  };
  const repeatedSteps = new Set<string>();
  let app = await start();
  const kill = async (): Promise<void> => {
    await app.kill();
    for (const [, steps] of app.output().matchAll(/ took over (\d+) steps /g)) report.stepsTakenOver += Number(steps);
  };
  const api = (): ThreadApi => new ThreadApi(app.baseUrl, LEDGER_AGENT);
  try {
    for (let round = 1; round <= rounds; round += 1) {
      const runs: AcceptedRun[] = [];
      for (const name of ['repeatable', 'once-a', 'once-b', 'approved']) {
        runs.push(await api().accept(`round-${round}-${name}`, `round ${round}, ${name}`));
      }
      const approved = `round-${round}-approved`;
      const settled = new AbortController();
      const approving = approveCalls(api, approved, settled.signal);
      const finished: FinishedStep[] = [];
      const killsBefore = report.kills;
      do {
        await delay(randomInt(KILL_WITHIN_MS));
        await kill();
        report.kills += 1;
        const ledger = await readLedger(ledgerFile);
        for (const run of runs) finished.push(...(await finishedSteps(store, run, ledger, modelCalls)));
        app = await start();
      } while (Math.random() < SECOND_KILL_CHANCE);

      const views = new Map<AcceptedRun, Awaited<ReturnType<ThreadApi['settled']>>>();
      for (const run of runs) views.set(run, await api().settled(run.threadId, 1, SETTLE_WITHIN_MS));
      settled.abort();
      const { decisions, problems } = await approving;
      report.approvals += decisions;
      const ledger = await readLedger(ledgerFile);
      for (const [run, view] of views) {
        problems.push(...checkEnd(view, run, ledger));
        count(report.ends, endOf(view));
        count(report.attempts, String(view.attemptOf(run.correlationId)));
      }
      for (const { kind, key, times } of finished) {
        const timesNow = (kind === 'tool call' ? ledger : modelCalls).get(key) ?? 0;
        // A step that was finished at the first of two kills is listed twice.
        if (timesNow === times || repeatedSteps.has(key)) continue;
        repeatedSteps.add(key);
        problems.push(`the finished ${kind} "${key}" was made again`);
        if (kind === 'tool call') report.finishedCallsRepeated += 1;
        else report.finishedModelCallsRepeated += 1;
      }
      report.rounds += 1;
      report.runs += runs.length;
      report.violations.push(...problems.map((problem) => `round ${round}: ${problem}`));
      const kills = report.kills - killsBefore;
      onRound?.(
        `round ${round}: ${kills} kill(s), ${problems.length === 0 ? 'nothing repeated' : problems.join('; ')}`,
      );
    }
    await kill();
    let [onceCallsRepeated, interruptedCallsRepeated] = [0, 0];
    for (const [line, times] of await readLedger(ledgerFile)) {
      if (isOnceCall(line)) onceCallsRepeated += times - 1;
      else if (!repeatedSteps.has(line)) interruptedCallsRepeated += times - 1;
    }
    return { ...report, onceCallsRepeated, interruptedCallsRepeated };
  } finally {
    await app.kill();
    await store.close();
    await model.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Approves each call of a thread that waits, at a random moment, with two requests at once. */
async function approveCalls(
  api: () => ThreadApi,
  threadId: string,
  signal: AbortSignal,
): Promise<{ readonly decisions: number; readonly problems: string[] }> {
  const decided = new Set<string>();
  const problems: string[] = [];
  while (!signal.aborted) {
    await delay(randomInt(APPROVE_WITHIN_MS));
    // The host may have been killed.
    const open = await api()
      .openApprovals(threadId)
      .catch(() => []);
    for (const id of open) {
      if (decided.has(id)) problems.push(`the decision on ${id} was lost`);
      const requests = [api().approve(threadId, id), api().approve(threadId, id)];
      const statuses = await Promise.all(requests.map((request) => request.catch(() => 503)));
      if (statuses.some((status) => status < 300)) decided.add(id);
      const refused = statuses.filter((status) => status >= 300 && status !== 503);
      if (refused.length > 0) problems.push(`approvals were answered with ${refused.join(', ')}`);
    }
  }
  return { decisions: decided.size, problems };
}

/** Makes a folder with the function app of ledger-app.ts and an empty ledger. */
async function makeAppFolder(): Promise<{ readonly folder: string; readonly ledgerFile: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'crash-tools-'));
  const ledgerFile = path.join(folder, 'ledger');
  await writeFile(ledgerFile, '');
  await copyFile('host.json', path.join(folder, 'host.json'));
  const main = path.resolve('dist/tests/crash/ledger-app.js');
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ main }));
  return { folder, ledgerFile };
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
