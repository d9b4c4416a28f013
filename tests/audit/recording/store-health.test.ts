import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StoreHealth } from '../../../src/audit/recording/store-health.js';
import { HookedEventStore, unreachable } from '../../support/hooked-event-store.js';

function createHealth() {
  const store = new HookedEventStore();
  return { store, health: new StoreHealth(store) };
}

describe('the health of the event store', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));

  afterEach(() => void vi.useRealTimers());

  it('reports the kind of store, and that it is available', async () => {
    const { store, health } = createHealth();
    expect(JSON.stringify(await health.details())).toBe(
      '{"callback_store":{"kind":"memory","status":"available","lost_events":0}}',
    );
    expect(store.calls).toEqual(['ping']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('reports that the store fails, and later that it is available', async () => {
    const { store, health } = createHealth();
    store.hooks.before = unreachable;
    expect(await health.details()).toMatchObject({ callback_store: { status: 'unavailable' } });
    store.hooks.before = undefined;
    expect(await health.details()).toMatchObject({ callback_store: { status: 'available' } });
  });

  it.each([
    [1999, 'available'],
    [2001, 'unavailable'],
    [1_000_000, 'unavailable'],
  ])('reports a store that takes %i ms as %s, within 2 s', async (ms, status) => {
    const { store, health } = createHealth();
    store.hooks.before = () => new Promise((resolve) => void setTimeout(resolve, ms));
    const details = health.details();
    await vi.advanceTimersByTimeAsync(2000);
    expect(await details).toMatchObject({ callback_store: { status } });
  });

  it('ignores the result of a ping that took too long', async () => {
    const { store, health } = createHealth();
    store.hooks.before = async () => {
      await new Promise((resolve) => void setTimeout(resolve, 3000));
      unreachable();
    };
    const details = health.details();
    await vi.advanceTimersByTimeAsync(4000);
    expect(await details).toMatchObject({ callback_store: { status: 'unavailable' } });
  });

  it('sums up lost events, minus those that were stored after all', async () => {
    const { health } = createHealth();
    for (const count of [1, 20, 300]) health.addLost(count);
    expect(await health.details()).toMatchObject({ callback_store: { lost_events: 321 } });
    health.addLost(-300);
    expect(await health.details()).toMatchObject({ callback_store: { lost_events: 21 } });
  });

  it('reports a responding store as failing after a run gave up on it, until a run gets a response', async () => {
    const { store, health } = createHealth();
    health.markGivenUp();
    expect(await health.details()).toMatchObject({ callback_store: { status: 'failing' } });
    store.hooks.before = unreachable;
    expect(await health.details()).toMatchObject({ callback_store: { status: 'unavailable' } });
    store.hooks.before = undefined;
    health.markResponding();
    expect(await health.details()).toMatchObject({ callback_store: { status: 'available' } });
  });

  it('knows that a run has given up on the store, until a run gets a response', () => {
    const { health } = createHealth();
    expect(health.isGivenUp).toBe(false);
    health.markGivenUp();
    expect(health.isGivenUp).toBe(true);
    health.markResponding();
    expect(health.isGivenUp).toBe(false);
  });
});
