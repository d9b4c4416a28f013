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

  it('says what kind of store it is, and that it answers', async () => {
    const { store, health } = createHealth();
    expect(JSON.stringify(await health.details())).toBe(
      '{"callback_store":{"kind":"memory","status":"available","lost_events":0}}',
    );
    expect(store.calls).toEqual(['ping']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('says that the store fails, and again that it answers', async () => {
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
  ])('calls a store that takes %i ms %s, and says so within 2 s', async (ms, status) => {
    const { store, health } = createHealth();
    store.hooks.before = () => new Promise((resolve) => void setTimeout(resolve, ms));
    const details = health.details();
    await vi.advanceTimersByTimeAsync(2000);
    expect(await details).toMatchObject({ callback_store: { status } });
  });

  it('ignores how a ping ends that took too long', async () => {
    const { store, health } = createHealth();
    store.hooks.before = async () => {
      await new Promise((resolve) => void setTimeout(resolve, 3000));
      unreachable();
    };
    const details = health.details();
    await vi.advanceTimersByTimeAsync(4000);
    expect(await details).toMatchObject({ callback_store: { status: 'unavailable' } });
  });

  it('adds up the events that were lost, without those that were kept after all', async () => {
    const { health } = createHealth();
    for (const count of [1, 20, 300]) health.addLost(count);
    expect(await health.details()).toMatchObject({ callback_store: { lost_events: 321 } });
    health.addLost(-300);
    expect(await health.details()).toMatchObject({ callback_store: { lost_events: 21 } });
  });

  it('calls a store failing that answers and that a run has given up, until one has had an answer', async () => {
    const { store, health } = createHealth();
    health.markGivenUp();
    expect(await health.details()).toMatchObject({ callback_store: { status: 'failing' } });
    store.hooks.before = unreachable;
    expect(await health.details()).toMatchObject({ callback_store: { status: 'unavailable' } });
    store.hooks.before = undefined;
    health.markResponding();
    expect(await health.details()).toMatchObject({ callback_store: { status: 'available' } });
  });

  it('knows that a run has given the store up, until one has had an answer', () => {
    const { health } = createHealth();
    expect(health.isGivenUp).toBe(false);
    health.markGivenUp();
    expect(health.isGivenUp).toBe(true);
    health.markResponding();
    expect(health.isGivenUp).toBe(false);
  });
});
