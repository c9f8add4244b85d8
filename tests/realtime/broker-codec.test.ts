import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BrokerCodec, type Message, RESIGNED } from '../../src/realtime/broker-codec.ts';
import { parseSnapshot } from '../../src/realtime/position.ts';

const log = { identity: randomUUID(), key: randomBytes(32) };
const codec = new BrokerCodec(log);

const message: Message = {
  from: { seen: parseSnapshot('90:100:90,95') },
  to: {
    seen: parseSnapshot('90:100:90,95'),
    part: { until: parseSnapshot('110:110:'), seq: 7_000_000_001 },
  },
  changes: [
    {
      seq: 7_000_000_000,
      model: 'SystemAlert',
      rowId: randomUUID(),
      operation: 'UPDATE',
      workspaceId: randomUUID(),
      readerId: null,
      changedColumns: ['title', 'severityLevel'],
      occurredAt: new Date('2026-11-23T01:02:03.456Z'),
    },
    {
      seq: 7_000_000_001,
      model: 'UserProfile',
      rowId: randomUUID(),
      operation: 'DELETE',
      workspaceId: null,
      readerId: randomUUID(),
      changedColumns: [],
      occurredAt: new Date(0),
    },
  ],
};

describe('a broker message', () => {
  it.each<[string, Message | typeof RESIGNED]>([
    ['with changes', message],
    ['without changes', { ...message, changes: [] }],
    ['without changes that did not fit', { ...message, changes: null }],
    ['that announces that the reader stops', RESIGNED],
  ])('%s is opened by every replica', (_, sealed) => {
    expect(new BrokerCodec(log).open(codec.seal(sealed))).toEqual(sealed);
  });

  it('is refused if it was altered anywhere', () => {
    const text = codec.seal(message);
    for (let place = 0; place < text.length; place++) {
      const other = text[place] === 'A' ? 'B' : 'A';
      expect(codec.open(text.slice(0, place) + other + text.slice(place + 1))).toBeUndefined();
      expect(codec.open(text.slice(0, place))).toBeUndefined();
    }
  });

  it('is refused if it is of another log, or sealed with another key', () => {
    for (const other of [
      { ...log, identity: randomUUID() },
      { ...log, key: randomBytes(32) },
    ]) {
      expect(new BrokerCodec(other).open(codec.seal(message))).toBeUndefined();
    }
    expect(new BrokerCodec({ ...log, identity: randomUUID() }).subject).not.toBe(codec.subject);
  });

  it('is refused if it has another form, even if it is signed', () => {
    const [change] = message.changes ?? [];
    const strange: unknown[] = [
      { ...message, from: { seen: { xmax: 'x', running: new Set() } } },
      { ...message, changes: [{ ...change, operation: 'TRUNCATE' }] },
      { ...message, changes: [{ ...change, seq: 1.5 }] },
      { ...message, changes: [{ ...change, rowId: 5 }] },
    ];
    for (const each of strange) {
      expect(codec.open(codec.seal(each as Message))).toBeUndefined();
    }
  });
});
