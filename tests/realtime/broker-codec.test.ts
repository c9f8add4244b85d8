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

describe('a message', () => {
  it.each<[string, Message | typeof RESIGNED]>([
    ['of changes', message],
    ['without changes', { ...message, changes: [] }],
    ['whose changes did not fit', { ...message, changes: null }],
    ['of farewell', RESIGNED],
  ])('%s is opened as it was sealed, by any replica', (_, sealed) => {
    expect(new BrokerCodec(log).open(codec.seal(sealed))).toEqual(sealed);
  });

  it('that was altered anywhere is none', () => {
    const text = codec.seal(message);
    for (let place = 0; place < text.length; place++) {
      const other = text[place] === 'A' ? 'B' : 'A';
      expect(codec.open(text.slice(0, place) + other + text.slice(place + 1))).toBeUndefined();
      expect(codec.open(text.slice(0, place))).toBeUndefined();
    }
  });

  it('of another log, or by another key, is none', () => {
    for (const other of [
      { ...log, identity: randomUUID() },
      { ...log, key: randomBytes(32) },
    ]) {
      expect(new BrokerCodec(other).open(codec.seal(message))).toBeUndefined();
    }
    expect(new BrokerCodec({ ...log, identity: randomUUID() }).subject).not.toBe(codec.subject);
  });

  it('that has another form, though it was signed, is none', () => {
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
