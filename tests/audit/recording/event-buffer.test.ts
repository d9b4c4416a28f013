import { describe, expect, it } from 'vitest';
import { EventBuffer } from '../../../src/audit/recording/event-buffer.js';
import { streamEvent } from '../../support/callback-events.js';

function createBuffer(count: number): EventBuffer {
  const buffer = new EventBuffer();
  for (let index = 0; index < count; index += 1) buffer.put(streamEvent(`${index}`));
  return buffer;
}

const stateOf = ({ waitingCount, lostCount, isEmpty, isLastStored }: EventBuffer) => ({
  waitingCount,
  lostCount,
  isEmpty,
  isLastStored,
});

describe('an event buffer', () => {
  it('returns the oldest events until they are settled', () => {
    const buffer = createBuffer(3);
    const batch = buffer.take();
    expect(batch).toMatchObject({ firstIndex: 0, events: { length: 3 } });
    buffer.put(streamEvent('3'));
    expect(stateOf(buffer)).toEqual({ waitingCount: 1, lostCount: 4, isEmpty: false, isLastStored: false });
    expect(buffer.take()).toMatchObject({ firstIndex: 0, events: { length: 4 } });
    buffer.settle(batch, 0);
    expect(stateOf(buffer)).toEqual({ waitingCount: 1, lostCount: 1, isEmpty: false, isLastStored: false });
    const rest = buffer.take();
    expect(rest).toEqual({ firstIndex: 3, events: [expect.objectContaining({ eventType: 'stream' })] });
    buffer.settle(rest, 0);
    expect(stateOf(buffer)).toEqual({ waitingCount: 0, lostCount: 0, isEmpty: true, isLastStored: true });
  });

  it('counts dropped events as lost, unless the store acknowledges them later', () => {
    const buffer = createBuffer(60);
    expect(buffer.take().events).toHaveLength(50);
    buffer.dropPending();
    const batch = buffer.take();
    expect(batch).toMatchObject({ firstIndex: 50, events: { length: 10 } });
    buffer.settle(batch, 20);
    expect(stateOf(buffer)).toEqual({ waitingCount: 0, lostCount: 20, isEmpty: true, isLastStored: true });
  });

  it('accepts that a dropped batch is settled', () => {
    const buffer = createBuffer(60);
    const batch = buffer.take();
    buffer.dropPending();
    buffer.keepNewest(5);
    expect(stateOf(buffer)).toMatchObject({ waitingCount: 5, lostCount: 60 });
    buffer.settle(batch, 0);
    expect(stateOf(buffer)).toMatchObject({ waitingCount: 5, lostCount: 10 });
    expect(buffer.take()).toMatchObject({ firstIndex: 55, events: { length: 5 } });
  });

  it('keeps all events below its limit', () => {
    const buffer = createBuffer(3);
    buffer.keepNewest(5);
    expect(buffer.take()).toMatchObject({ firstIndex: 0, events: { length: 3 } });
  });
});
