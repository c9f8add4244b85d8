import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LiveGroup, LiveMember } from '../../src/subscriptions/live-group.ts';
import { LiveResult } from '../../src/subscriptions/live-result.ts';
import type { Payload, StreamEnd } from '../../src/subscriptions/result-stream.ts';
import { Subscriber } from '../../src/subscriptions/subscriber.ts';
import { eventually } from '../support/eventually.ts';

const INTERVAL_MS = 50;

/** A group whose executions a test ends itself, each with the number of the next. */
function createGroup(isPatched = false) {
  const running: { resolve(result: LiveResult): void; reject(error: Error): void }[] = [];
  const begun: number[] = [];
  let empty = 0;
  const execute = () => {
    begun.push(performance.now());
    return new Promise<LiveResult>((resolve, reject) => running.push({ resolve, reject }));
  };
  const group = new LiveGroup(INTERVAL_MS, execute, {
    onDelivered: () => {},
    onEmpty: () => {
      empty += 1;
    },
  });
  return {
    group,
    begun,
    empty: () => empty,
    end: (n: number) => running.shift()?.resolve(new LiveResult({ data: { n } }, isPatched)),
    fail: () => running.shift()?.reject(new Error('Away')),
    join() {
      const told: unknown[] = [];
      const ends: StreamEnd[] = [];
      let isFull = false;
      const subscriber = new Subscriber(
        {
          unsentBytes: 0,
          next({ json }: Payload) {
            if (!isFull) told.push(JSON.parse(json));
            return !isFull;
          },
          end: (reason) => ends.push(reason),
        },
        () => group.leave(member),
      );
      const member = new LiveMember(subscriber);
      group.join(member);
      const fill = () => {
        isFull = true;
      };
      return { told, ends, member, subscriber, fill };
    },
  };
}

const numbers = ({ told }: { told: unknown[] }) =>
  told.map((result) => (result as { data: { n: number } }).data.n);

it('executes again for what changed while it was executed, and not sooner than it may', async () => {
  const { group, begun, end, join } = createGroup();
  const before = performance.now();
  const client = join();
  expect(begun).toHaveLength(1);
  group.wake();
  group.wake();
  end(1);
  await eventually(() => begun.length).toBe(2);
  expect((begun[1] ?? 0) - before).toBeGreaterThanOrEqual(INTERVAL_MS - 1);
  end(2);
  await eventually(() => numbers(client)).toEqual([1, 2]);
  await delay(INTERVAL_MS * 2);
  expect(begun).toHaveLength(2);
  group.wake();
  // Nothing was executed for a while: now it is at once.
  expect(begun).toHaveLength(3);
  end(2);
  await delay(INTERVAL_MS);
  expect(numbers(client)).toEqual([1, 2]);
});

it('ends so that clients come again when it cannot be executed', async () => {
  const { group, begun, end, fail, join, empty } = createGroup();
  const clients = [join(), join()];
  end(1);
  await eventually(() => clients.map(numbers)).toEqual([[1], [1]]);
  group.wake();
  await eventually(() => begun.length).toBe(2);
  fail();
  await eventually(() => clients.map(({ ends }) => ends.length)).toEqual([1, 1]);
  expect(clients[0]?.ends[0]).toMatchObject({ outcome: 'resume', closeCode: 1012 });
  expect(empty()).toBe(1);
  group.wake();
  await delay(INTERVAL_MS * 2);
  expect(begun).toHaveLength(2);
});

it('ends who does not read, and nobody else', async () => {
  const { group, begun, end, join } = createGroup();
  const [slow, other] = [join(), join()];
  end(1);
  await eventually(() => numbers(other)).toEqual([1]);
  slow.fill();
  group.wake();
  await eventually(() => begun.length).toBe(2);
  end(2);
  await eventually(() => numbers(other)).toEqual([1, 2]);
  expect(slow.ends).toMatchObject([{ code: 'TOO_SLOW', outcome: 'resume', closeCode: 1013 }]);
  expect(numbers(slow)).toEqual([1]);
});

it('executes for nobody who has left', async () => {
  const { group, begun, end, join, empty } = createGroup();
  const client = join();
  group.wake();
  client.subscriber.end(null);
  end(1);
  await delay(INTERVAL_MS * 2);
  expect([begun.length, empty(), client.told.length]).toEqual([1, 1, 0]);
});

it('tells who moves to another group what differs between the two', async () => {
  const [from, to] = [createGroup(true), createGroup(true)];
  const mover = from.join();
  const resident = to.join();
  from.end(1);
  to.end(2);
  await eventually(() => [mover.told, resident.told]).toEqual([
    [{ data: { n: 1 }, revision: 1 }],
    [{ data: { n: 2 }, revision: 1 }],
  ]);
  from.group.leave(mover.member);
  to.group.join(mover.member);
  const patch = (value: number) => [{ op: 'replace', path: '/n', value }];
  expect(mover.told.at(-1)).toEqual({ patch: patch(2), revision: 2 });
  to.group.wake();
  await eventually(() => to.begun.length).toBe(2);
  to.end(3);
  await eventually(() => mover.told.at(-1)).toEqual({ patch: patch(3), revision: 3 });
  expect(resident.told.at(-1)).toEqual({ patch: patch(3), revision: 2 });
});
