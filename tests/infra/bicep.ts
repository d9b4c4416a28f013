import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { isProgramMissing } from '../support/is-program-missing.js';

const run = promisify(execFile);

const DOTNET = '/usr/bin/dotnet';
/** Disables .NET's profile-guided optimization, which costs more time than it saves in short runs. */
const OPTIONS = { maxBuffer: 1e8, env: { ...process.env, DOTNET_TieredPGO: '0' } };

/** The compiler that the tests download runs on Linux x64 only. */
export const isBicepMissing = process.platform !== 'linux' || process.arch !== 'x64' || isProgramMissing(DOTNET);

/** Invented values, so that snapshots are the same everywhere. */
const PLACE = [
  ['--subscription-id', '11111111-1111-1111-1111-111111111111'],
  ['--tenant-id', '22222222-2222-2222-2222-222222222222'],
  ['--location', 'westeurope'],
].flat();

export class Bicep {
  readonly #program: string;

  private constructor(program: string) {
    this.#program = program;
  }

  /** Downloads the compiler unless it is in the NuGet cache. */
  static async fetch(): Promise<Bicep> {
    const folder = await mkdtemp(path.join(tmpdir(), 'bicep-'));
    try {
      const project = path.join(__dirname, 'bicep.csproj');
      const restore = ['msbuild', project, '-nologo', '-t:Restore', '-getProperty:BicepPath'];
      const { stdout } = await run(DOTNET, [...restore, `-p:MSBuildProjectExtensionsPath=${folder}/`]);
      return new Bicep(stdout.trim());
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** @returns the ARM template and the compiler's messages */
  async build(file: string): Promise<{ readonly template: unknown; readonly diagnostics: string }> {
    const { stdout, stderr } = await run(this.#program, ['build', file, '--stdout'], OPTIONS);
    return { template: JSON.parse(stdout), diagnostics: stderr };
  }

  /** Writes the resources that a deployment would create to NAME.snapshot.json next to NAME.bicepparam. */
  async writeSnapshot(parametersFile: string): Promise<void> {
    await run(this.#program, ['snapshot', parametersFile, '--mode', 'overwrite', ...PLACE], OPTIONS);
  }

  /** @returns the differences between the snapshot next to the parameters and a new one. Empty if there are none */
  async validateSnapshot(parametersFile: string): Promise<string> {
    const validating = run(this.#program, ['snapshot', parametersFile, '--mode', 'validate', ...PLACE], OPTIONS);
    const { stdout, stderr } = await validating.catch((error: { stdout: string; stderr: string }) => error);
    return stdout + stderr;
  }
}

/** Writes a parameters file for `environments.bicep` to a new folder under `folder`. */
export async function writeParameters(folder: string, environments: readonly object[]): Promise<string> {
  const file = path.join(folder, 'environments.bicepparam');
  const template = path.relative(folder, path.join(__dirname, 'environments.bicep'));
  const json = JSON.stringify(environments).replaceAll("'", "\\'");
  await writeFile(file, `using '${template}'\n\nparam environments = json('${json}')\n`);
  return file;
}
