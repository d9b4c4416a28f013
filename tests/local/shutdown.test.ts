import { describe, expect, it } from 'vitest';
import { Shutdown } from '../../local/shutdown.js';

function noting(names: string[], name: string): () => Promise<void> {
  return async () => void names.push(name);
}

describe('Shutdown', () => {
  it('stops resources once each, in reverse order', async () => {
    const shutdown = new Shutdown();
    const ended: string[] = [];
    await shutdown.add(noting(ended, 'first'));
    await shutdown.add(noting(ended, 'second'));
    await Promise.all([shutdown.close(), shutdown.close()]);
    expect(ended).toEqual(['second', 'first']);
  });

  it('stops a resource at once that starts after the shutdown began', async () => {
    const shutdown = new Shutdown();
    const ended: string[] = [];
    await shutdown.close();
    await shutdown.add(noting(ended, 'late'));
    expect(ended).toEqual(['late']);
  });

  it('stops the others if one cannot be stopped, and reports it', async () => {
    const shutdown = new Shutdown();
    const ended: string[] = [];
    await shutdown.add(noting(ended, 'first'));
    await shutdown.add(() => Promise.reject(new Error('stuck')));
    await expect(shutdown.close()).rejects.toMatchObject({ errors: [new Error('stuck')] });
    expect(ended).toEqual(['first']);
  });
});
