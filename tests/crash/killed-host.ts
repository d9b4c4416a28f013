import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type LocalApp, type LocalAppOptions, startLocalApp } from '../support/local-app.js';
import { modelSettings, type ScriptedModel } from '../support/scripted-model.js';

/** How long runs may take to end after the last kill. */
export const SETTLE_WITHIN_MS = 60_000;
const SECOND_KILL_CHANCE = 0.3;

export type Settings = Readonly<Record<string, string>>;

/** The settings of an app that a crash test kills. */
export function crashSettings(model: ScriptedModel, storeSettings: Settings): Settings {
  return {
    ...storeSettings,
    ...modelSettings(model),
    CALLBACK_LOG_PREVIEW_CHARS: '0',
    // A run that is interrupted too often fails by design.
    AGENT_MAX_ATTEMPTS: '100',
  };
}

/** A host that is killed with SIGKILL and starts again with the data that it had. */
export class KilledHost {
  readonly #settings: Settings;
  readonly #options: LocalAppOptions;
  #app: LocalApp;
  #restart: Promise<void> = Promise.resolve();
  /** The output of the killed processes. */
  #earlierOutput = '';

  private constructor(settings: Settings, options: LocalAppOptions, app: LocalApp) {
    this.#settings = settings;
    this.#options = options;
    this.#app = app;
  }

  static async start(settings: Settings, options: LocalAppOptions): Promise<KilledHost> {
    return new KilledHost(settings, options, await startLocalApp(settings, options));
  }

  /** The URL of the current process, which changes with each start. Not for use while the host may be down. */
  get baseUrl(): string {
    return this.#app.baseUrl;
  }

  /** Waits until the host is up. While it is down, its port may belong to another program. */
  async upUrl(): Promise<string> {
    await this.#restart;
    return this.baseUrl;
  }

  /**
   * Kills the host at a random moment and starts it again, sometimes repeatedly.
   *
   * @param withinMs the latest moment of a kill after the start
   * @param whileDown called after each kill with the output of the killed process. The host starts when it resolves
   * @returns the times of the kills, ISO 8601
   */
  async killAtRandom(withinMs: number, whileDown?: (output: string) => Promise<void>): Promise<readonly string[]> {
    const killedAt: string[] = [];
    do {
      await delay(randomInt(withinMs));
      killedAt.push(new Date().toISOString());
      this.#restart = this.#restartAfterKill(whileDown);
      await this.#restart;
    } while (Math.random() < SECOND_KILL_CHANCE);
    return killedAt;
  }

  async #restartAfterKill(whileDown?: (output: string) => Promise<void>): Promise<void> {
    const output = await this.kill();
    await whileDown?.(output);
    this.#app = await startLocalApp(this.#settings, this.#options);
  }

  /** @returns the output of the killed process */
  async kill(): Promise<string> {
    await this.#app.kill();
    const output = this.#app.output();
    this.#earlierOutput += output;
    return output;
  }

  /** What all processes logged about events that they could not store. */
  storeWarnings(): string[] {
    return `${this.#earlierOutput}${this.#app.output()}`.split('\n').filter((line) => line.includes('event store'));
  }
}
