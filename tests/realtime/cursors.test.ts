import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openCursor, sealCursor } from '../../src/realtime/change-cursor.ts';
import {
  covers,
  includes,
  type Position,
  parseSnapshot,
  readPosition,
  sees,
  seesUpTo,
  writePosition,
} from '../../src/realtime/position.ts';

const log = { identity: randomUUID(), key: randomBytes(32) };
const workspace = randomUUID();
const at = (text: string): Position => ({ seen: parseSnapshot(text) });
const partly = (seen: string, until: string, seq: number): Position => ({
  seen: parseSnapshot(seen),
  part: { until: parseSnapshot(until), seq },
});

/** Counts upwards, so that failures can be repeated. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

describe('a snapshot', () => {
  it('sees transactions that had ended when it was taken', () => {
    const snapshot = parseSnapshot('10:20:10,15');
    const seen = [9n, 10n, 11n, 15n, 19n, 20n].filter((xid) => sees(snapshot, xid));
    expect(seen).toEqual([9n, 11n, 19n]);
  });

  it('sees all transactions before the first running one', () => {
    const snapshot = parseSnapshot('12:20:12');
    expect([11n, 12n, 13n, 20n].map((xid) => seesUpTo(snapshot, xid))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(seesUpTo(parseSnapshot('20:20:'), 19n)).toBe(true);
  });

  it('includes earlier snapshots', () => {
    // Transactions begin and end at random; the newest one that has ended is the newest of the log.
    const random = numbers(7);
    const running = new Set<number>();
    let newest = 0;
    const snapshots = Array.from({ length: 300 }, (_, begun) => {
      running.add(begun + 1);
      for (const xid of running) {
        if (random(4) > 0) continue;
        running.delete(xid);
        newest = Math.max(newest, xid);
      }
      const list = [...running].filter((xid) => xid < newest);
      return parseSnapshot(`${list[0] ?? newest + 1}:${newest + 1}:${list.join(',')}`);
    });
    for (const [i, earlier] of snapshots.entries()) {
      for (const later of snapshots.slice(i, i + 20)) {
        expect(includes(later, earlier)).toBe(true);
        const isSame = [...Array(301).keys()].every(
          (xid) => sees(later, BigInt(xid)) === sees(earlier, BigInt(xid)),
        );
        expect(includes(earlier, later)).toBe(isSame);
      }
    }
  });

  it.each(['', '1:2', '1:2:x', '1:2:3,', '-1:2:', '1:2:;', ' 1:2:'])(
    'is not read from %j',
    (text) => {
      expect(() => parseSnapshot(text)).toThrow(TypeError);
    },
  );
});

describe('a position', () => {
  it('covers earlier positions', () => {
    expect(covers(at('12:12:'), at('10:12:10'))).toBe(true);
    expect(covers(at('10:12:10'), at('12:12:'))).toBe(false);
    expect(covers(at('12:12:'), partly('10:10:', '12:12:', 5))).toBe(true);
    expect(covers(at('11:11:'), partly('10:10:', '12:12:', 5))).toBe(false);
  });

  it('covers earlier positions in the same batch', () => {
    const position = partly('10:10:', '12:12:', 5);
    expect(covers(position, at('10:10:'))).toBe(true);
    expect(covers(position, partly('10:10:', '12:12:', 5))).toBe(true);
    expect(covers(position, partly('10:10:', '12:12:', 6))).toBe(false);
    expect(covers(position, at('12:12:'))).toBe(false);
    // Delivered in other pages by another replica: neither covers the other.
    expect(covers(position, partly('10:11:10', '12:12:', 4))).toBe(false);
  });

  it('covers no position of another log', () => {
    expect(covers({ ...at('12:12:'), log: 'a' }, { ...at('10:10:'), log: 'b' })).toBe(false);
  });

  it.each([
    at('1:1:'),
    at('3:900719925474099312345:3,17,900719925474099312344'),
    partly('10:12:10', '12:15:12,13', Number.MAX_SAFE_INTEGER),
  ])('is the same after writing and reading it', (position) => {
    expect(readPosition(writePosition(position))).toEqual(position);
  });
});

describe('a cursor', () => {
  const position = partly('10:12:10', '12:15:12,13', 77);
  const open = (cursor: string, workspaceId: string | null = workspace) =>
    openCursor(log, cursor, workspaceId, 'after');

  it.each([workspace, null])('opens in its workspace (%s)', (workspaceId) => {
    const cursor = sealCursor(log, position, workspaceId);
    expect(open(cursor, workspaceId)).toEqual({ ...position, log: log.identity });
  });

  it('reveals nothing of the position', () => {
    const cursors = [position, position].map((same) => sealCursor(log, same, workspace));
    expect(cursors[0]).not.toBe(cursors[1]);
    expect(cursors[0]).toMatch(/^[\w-]{60,150}$/);
  });

  it('fits into a header even with thousands of running transactions', () => {
    const random = numbers(3);
    const running = Array.from({ length: 2_000 }, (_, i) => 5_000_000_000 + i * 5 + random(5));
    const text = `${running[0]}:${5_000_010_001}:${running.join(',')}`;
    const cursor = sealCursor(log, at(text), workspace);
    expect(cursor.length).toBeLessThan(8_000);
    expect(open(cursor).seen.text).toBe(text);
  });

  it('is bad input if it is of another workspace, or of none', () => {
    const cursor = sealCursor(log, position, workspace);
    for (const other of [randomUUID(), null]) {
      expect(() => open(cursor, other)).toThrow(
        expect.objectContaining({ code: 'BAD_USER_INPUT', argument: 'after' }),
      );
    }
  });

  it('is refused if it was changed anywhere', () => {
    const bytes = Buffer.from(sealCursor(log, position, workspace), 'base64url');
    for (let i = 0; i < bytes.length; i++) {
      const forged = Buffer.from(bytes);
      forged[i] = (forged[i] ?? 0) ^ (1 << (i % 8));
      // The first bytes after the version identify the log.
      const code = i >= 1 && i <= 8 ? 'CURSOR_EXPIRED' : 'BAD_USER_INPUT';
      expect(() => open(forged.toString('base64url'))).toThrow(expect.objectContaining({ code }));
    }
  });

  it('is bad input if it was cut', () => {
    const cursor = sealCursor(log, position, workspace);
    for (let length = 0; length < cursor.length; length++) {
      expect(() => open(cursor.slice(0, length))).toThrow(
        expect.objectContaining({ code: 'BAD_USER_INPUT', argument: 'after' }),
      );
    }
  });

  it.each([
    [
      'of a list',
      Buffer.from(JSON.stringify(['SystemAlert: createdAt desc', 1])).toString('base64url'),
    ],
    ['of spaces', ' '.repeat(100)],
    ['in the other base64', sealCursor(log, position, workspace).replace(/.$/, '=')],
    ['of a million characters', 'A'.repeat(1_000_000)],
    ['with more behind it', `${sealCursor(log, position, workspace)} `],
    ['of other letters', 'ключ'.repeat(30)],
  ])('%s is bad input', (_, cursor) => {
    expect(() => open(cursor)).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', argument: 'after' }),
    );
  });

  it('of another log has expired, with a message that says what to do', () => {
    const other = { ...log, identity: randomUUID() };
    const cursor = sealCursor(other, position, workspace);
    expect(() => open(cursor)).toThrow(
      expect.objectContaining({
        code: 'CURSOR_EXPIRED',
        argument: 'after',
        message: expect.stringMatching(/liveCursor/),
      }),
    );
  });

  it('of a log that was replaced is never valid for the new log', () => {
    const before = { ...position, log: randomUUID() };
    const cursor = sealCursor(log, before, workspace);
    expect(() => open(cursor)).toThrow(expect.objectContaining({ code: 'CURSOR_EXPIRED' }));
  });
});
