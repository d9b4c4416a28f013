import { describe, expect, it } from 'vitest';
import { Shutdown } from '../../local/shutdown.js';

function noting(names: string[], name: string): () => Promise<void> {
  return async () => void names.push(name);
}

describe('ending what was started', () => {
  it('ends the last started first, each once', async () => {
    const shutdown = new Shutdown();
    const ended: string[] = [];
    await shutdown.add(noting(ended, 'first'));
    await shutdown.add(noting(ended, 'second'));
    await Promise.all([shutdown.close(), shutdown.close()]);
    expect(ended).toEqual(['second', 'first']);
  });

  it('ends at once what is started after the end has begun', async () => {
    const shutdown = new Shutdown();
    const ended: string[] = [];
    await shutdown.close();
    await shutdown.add(noting(ended, 'late'));
    expect(ended).toEqual(['late']);
  });

  it('ends the others when one cannot be ended, and says so', async () => {
    const shutdown = new Shutdown();
    const ended: string[] = [];
    await shutdown.add(noting(ended, 'first'));
    await shutdown.add(() => Promise.reject(new Error('stuck')));
    await expect(shutdown.close()).rejects.toMatchObject({ errors: [new Error('stuck')] });
    expect(ended).toEqual(['first']);
  });
});
