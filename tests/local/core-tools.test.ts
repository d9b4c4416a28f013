import { describe, expect, it } from 'vitest';
import { describeCoreTools, findCoreTools, requireCoreTools } from '../../local/core-tools.js';
import { LaunchError } from '../../local/launch-error.js';
import { makeCoreTools } from './support/fake-core-tools.js';
import { makeFolder } from './support/folders.js';

function find(...folders: string[]) {
  return findCoreTools({ PATH: folders.join(':') });
}

describe.skipIf(process.platform === 'win32')('looking for Core Tools', () => {
  it('finds func on PATH, and skips folders that are missing or do not contain it', async () => {
    const empty = await makeFolder({ func: 'not a program' });
    const folder = await makeCoreTools('4.0.7317');
    const coreTools = await find(`${empty}/missing`, '', empty, folder);
    expect(coreTools).toEqual({ kind: 'usable', command: `${folder}/func`, version: '4.0.7317' });
    expect(requireCoreTools(coreTools)).toBe(coreTools);
  });

  it('rejects versions before 4', async () => {
    const folder = await makeCoreTools('3.0.5682');
    const coreTools = await find(folder);
    expect(describeCoreTools(coreTools)).toBe(
      `func on PATH (${folder}/func) is version 3.0.5682; version 4 or later is required`,
    );
    expect(() => requireCoreTools(coreTools)).toThrow(LaunchError);
    expect(() => requireCoreTools(coreTools)).toThrow('--host local');
  });

  it('reads two-digit versions', async () => {
    expect(await find(await makeCoreTools('10.1.0'))).toMatchObject({ kind: 'usable' });
  });

  it('reports the output of a func that does not work', async () => {
    const coreTools = await find(await makeCoreTools('cannot find libicu'));
    expect(describeCoreTools(coreTools)).toMatch(
      /does not work: func --version exited with code 0\ncannot find libicu$/,
    );
  });

  it('reports that func is missing', async () => {
    expect(describeCoreTools(await find(await makeFolder()))).toBe('Core Tools (func) are not on PATH');
    expect(describeCoreTools(await findCoreTools({}))).toBe('Core Tools (func) are not on PATH');
  });
});
