import { randomInt } from 'node:crypto';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadSettings } from '../../src/settings/load-settings.js';
import { createKeyValueStore } from '../../src/storage/create-key-value-store.js';
import { startScriptedModel } from '../support/scripted-model.js';
import type { AcceptedRun } from './check-thread.js';
import { count, type CrashOptions } from './crash-rounds.js';
import { crashSettings, KilledHost, SETTLE_WITHIN_MS } from './killed-host.js';
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
import { RequestTimeout, ThreadApi } from './thread-api.js';

const KILL_WITHIN_MS = 1500;
const APPROVE_WITHIN_MS = 150;

/** The result of all rounds. */
export interface ToolReport {
  readonly rounds: number;
  readonly kills: number;
  readonly runs: number;
  /** The number of runs by their number of attempts. */
  readonly attempts: Readonly<Record<string, number>>;
  /** The number of runs by their end: `answered` or an error code. */
  readonly ends: Readonly<Record<string, number>>;
  /** Accepted decisions on calls that need approval. */
  readonly approvals: number;
  /** Model calls and tool calls whose result was recorded at a kill. */
  readonly finishedSteps: number;
  /** Recorded model calls and tool calls that a later attempt took over. */
  readonly stepsTakenOver: number;
  /** Repeated calls of repeatable tools that a kill had interrupted. */
  readonly interruptedCallsRepeated: number;
  /** Repeated tool calls whose result was recorded. Must be 0. */
  readonly finishedCallsRepeated: number;
  /** Repeated calls of `once` tools. Must be 0. */
  readonly onceCallsRepeated: number;
  /** Repeated model calls whose answer was recorded. Must be 0. */
  readonly finishedModelCallsRepeated: number;
  /** Empty if there are no violations. */
  readonly violations: readonly string[];
}

/**
 * Kills the host with SIGKILL at random moments while four runs call tools that append to a file, and restarts it.
 * Three of the runs also call a tool whose effect is `once`. One of these tools needs approval, and two requests
 * approve it at the same time. The file and the model count the calls.
 */
export async function runToolRounds({ rounds, storeSettings, onRound }: CrashOptions): Promise<ToolReport> {
  const { folder, ledgerFile } = await makeAppFolder();
  const modelCalls = new Map<string, number>();
  const model = await startScriptedModel((_, body) => answerLedgerRun(body, modelCalls));
  const settings = { ...crashSettings(model, storeSettings), LEDGER_FILE: ledgerFile };
  const store = createKeyValueStore(loadSettings(settings).callbackStore, console);
  const report = {
    rounds: 0,
    kills: 0,
    runs: 0,
    attempts: {} as Record<string, number>,
    ends: {} as Record<string, number>,
    approvals: 0,
    finishedSteps: 0,
    stepsTakenOver: 0,
    finishedCallsRepeated: 0,
    finishedModelCallsRepeated: 0,
    violations: [] as string[],
  };
  const repeatedSteps = new Set<string>();
  const countTakenOver = (output: string): void => {
    for (const [, steps] of output.matchAll(/ took over (\d+) steps /g)) report.stepsTakenOver += Number(steps);
  };
  const host = await KilledHost.start(settings, { dataFolder: path.join(folder, 'host'), appFolder: folder });
  const api = (): ThreadApi => new ThreadApi(host.baseUrl, LEDGER_AGENT);
  try {
    for (let round = 1; round <= rounds; round += 1) {
      const runs: AcceptedRun[] = [];
      for (const name of ['repeatable', 'once-a', 'once-b', 'approved']) {
        runs.push(await api().accept(`round-${round}-${name}`, `round ${round}, ${name}`));
      }
      const approved = `round-${round}-approved`;
      const settled = new AbortController();
      const approving = approveCalls(host, approved, settled.signal);
      const finished = new Map<string, FinishedStep>();
      let kills = 0;
      const deadline = Date.now() + SETTLE_WITHIN_MS;
      // Kills until a step has been recorded, because the round would prove nothing otherwise.
      do {
        const killedAt = await host.killAtRandom(KILL_WITHIN_MS, async (output) => {
          countTakenOver(output);
          const ledger = await readLedger(ledgerFile);
          for (const run of runs) {
            for (const step of await finishedSteps(store, run, ledger, modelCalls)) {
              if (!finished.has(step.key)) finished.set(step.key, step);
            }
          }
        });
        kills += killedAt.length;
      } while (finished.size === 0 && Date.now() < deadline);

      const views = new Map<AcceptedRun, Awaited<ReturnType<ThreadApi['settled']>>>();
      for (const run of runs) views.set(run, await api().settled(run.threadId, 1, SETTLE_WITHIN_MS));
      settled.abort();
      const { decisions, problems } = await approving;
      report.approvals += decisions;
      if (finished.size === 0) problems.push('no step was finished at a kill');
      const ledger = await readLedger(ledgerFile);
      for (const [run, view] of views) {
        problems.push(...checkEnd(view, run, ledger, finished));
        count(report.ends, endOf(view));
        count(report.attempts, String(view.attemptOf(run.correlationId)));
      }
      for (const { kind, key, times } of finished.values()) {
        const timesNow = (kind === 'tool call' ? ledger : modelCalls).get(key) ?? 0;
        if (timesNow === times) continue;
        repeatedSteps.add(key);
        problems.push(`the finished ${kind} "${key}" was repeated`);
        if (kind === 'tool call') report.finishedCallsRepeated += 1;
        else report.finishedModelCallsRepeated += 1;
      }
      if (problems.length > 0) problems.push(...host.storeWarnings());
      report.rounds += 1;
      report.kills += kills;
      report.finishedSteps += finished.size;
      report.runs += runs.length;
      report.violations.push(...problems.map((problem) => `round ${round}: ${problem}`));
      onRound?.(
        `round ${round}: ${kills} kill(s), ${problems.length === 0 ? 'nothing repeated' : problems.join('; ')}`,
      );
    }
    countTakenOver(await host.kill());
    let [onceCallsRepeated, interruptedCallsRepeated] = [0, 0];
    for (const [line, times] of await readLedger(ledgerFile)) {
      if (isOnceCall(line)) onceCallsRepeated += times - 1;
      else if (!repeatedSteps.has(line)) interruptedCallsRepeated += times - 1;
    }
    return { ...report, onceCallsRepeated, interruptedCallsRepeated };
  } finally {
    await host.kill();
    await store.close();
    await model.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Approves each waiting call of a thread at a random moment, with two requests at the same time. */
async function approveCalls(
  host: KilledHost,
  threadId: string,
  signal: AbortSignal,
): Promise<{ readonly decisions: number; readonly problems: string[] }> {
  const decided = new Set<string>();
  const problems: string[] = [];
  // The host may have been killed.
  const unlessHung =
    <Result>(result: Result) =>
    (error: unknown): Result => {
      if (error instanceof RequestTimeout) problems.push(error.message);
      return result;
    };
  while (!signal.aborted) {
    await delay(randomInt(APPROVE_WITHIN_MS));
    const api = new ThreadApi(await host.upUrl(), LEDGER_AGENT);
    const open = await api.openApprovals(threadId).catch(unlessHung<string[]>([]));
    for (const id of open) {
      if (decided.has(id)) problems.push(`the decision on ${id} was lost`);
      const requests = [api.approve(threadId, id), api.approve(threadId, id)];
      const statuses = await Promise.all(requests.map((request) => request.catch(unlessHung(503))));
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
