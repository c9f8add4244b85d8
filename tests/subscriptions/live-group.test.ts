import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LiveGroup, LiveMember } from '../../src/subscriptions/live-group.ts';
import { LiveResult } from '../../src/subscriptions/live-result.ts';
import type { Payload, StreamEnd } from '../../src/subscriptions/result-stream.ts';
import { Subscriber } from '../../src/subscriptions/subscriber.ts';
import { eventually } from '../support/eventually.ts';

const INTERVAL_MS = 50;

/** A group whose executions the test ends. */
function createGroup(isPatched = false) {
  const running: { resolve(result: LiveResult): void; reject(error: Error): void }[] = [];
  const starts: number[] = [];
  let emptied = 0;
  const execute = () => {
    starts.push(performance.now());
    return new Promise<LiveResult>((resolve, reject) => running.push({ resolve, reject }));
  };
  const group = new LiveGroup(INTERVAL_MS, execute, {
    onDelivered: () => {},
    onEmpty: () => {
      emptied += 1;
    },
  });
  return {
    group,
    starts,
    emptied: () => emptied,
    end: (n: number) => running.shift()?.resolve(new LiveResult({ data: { n } }, isPatched)),
    fail: () => running.shift()?.reject(new Error('Away')),
    join() {
      const received: unknown[] = [];
      const ends: StreamEnd[] = [];
      let isFull = false;
      const subscriber = new Subscriber(
        {
          unsentBytes: 0,
          next({ json }: Payload) {
            if (!isFull) received.push(JSON.parse(json));
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
      return { received, ends, member, subscriber, fill };
    },
  };
}

const numbers = ({ received }: { received: unknown[] }) =>
  received.map((result) => (result as { data: { n: number } }).data.n);

it('executes again after changes during an execution, at the earliest after the interval', async () => {
  const { group, starts, end, join } = createGroup();
  const before = performance.now();
  const client = join();
  expect(starts).toHaveLength(1);
  group.wake();
  group.wake();
  end(1);
  await eventually(() => starts.length).toBe(2);
  expect((starts[1] ?? 0) - before).toBeGreaterThanOrEqual(INTERVAL_MS - 1);
  end(2);
  await eventually(() => numbers(client)).toEqual([1, 2]);
  await delay(INTERVAL_MS * 2);
  expect(starts).toHaveLength(2);
  group.wake();
  // The last execution is longer ago than the interval, so the next one starts at once.
  expect(starts).toHaveLength(3);
  end(2);
  await delay(INTERVAL_MS);
  expect(numbers(client)).toEqual([1, 2]);
});

it('ends its clients with a close code to reconnect when an execution fails', async () => {
  const { group, starts, end, fail, join, emptied } = createGroup();
  const clients = [join(), join()];
  end(1);
  await eventually(() => clients.map(numbers)).toEqual([[1], [1]]);
  group.wake();
  await eventually(() => starts.length).toBe(2);
  fail();
  await eventually(() => clients.map(({ ends }) => ends.length)).toEqual([1, 1]);
  expect(clients[0]?.ends[0]).toMatchObject({ outcome: 'resume', closeCode: 1012 });
  expect(emptied()).toBe(1);
  group.wake();
  await delay(INTERVAL_MS * 2);
  expect(starts).toHaveLength(2);
});

it('ends only the client that does not read', async () => {
  const { group, starts, end, join } = createGroup();
  const [slow, other] = [join(), join()];
  end(1);
  await eventually(() => numbers(other)).toEqual([1]);
  slow.fill();
  group.wake();
  await eventually(() => starts.length).toBe(2);
  end(2);
  await eventually(() => numbers(other)).toEqual([1, 2]);
  expect(slow.ends).toMatchObject([{ code: 'TOO_SLOW', outcome: 'resume', closeCode: 1013 }]);
  expect(numbers(slow)).toEqual([1]);
});

it('does not execute again after its only client has left', async () => {
  const { group, starts, end, join, emptied } = createGroup();
  const client = join();
  group.wake();
  client.subscriber.end(null);
  end(1);
  await delay(INTERVAL_MS * 2);
  expect([starts.length, emptied(), client.received.length]).toEqual([1, 1, 0]);
});

it('sends a client that moves to another group the difference between the two', async () => {
  const [from, to] = [createGroup(true), createGroup(true)];
  const moved = from.join();
  const resident = to.join();
  from.end(1);
  to.end(2);
  await eventually(() => [moved.received, resident.received]).toEqual([
    [{ data: { n: 1 }, revision: 1 }],
    [{ data: { n: 2 }, revision: 1 }],
  ]);
  from.group.leave(moved.member);
  to.group.join(moved.member);
  const patch = (value: number) => [{ op: 'replace', path: '/n', value }];
  expect(moved.received.at(-1)).toEqual({ patch: patch(2), revision: 2 });
  to.group.wake();
  await eventually(() => to.starts.length).toBe(2);
  to.end(3);
  await eventually(() => moved.received.at(-1)).toEqual({ patch: patch(3), revision: 3 });
  expect(resident.received.at(-1)).toEqual({ patch: patch(3), revision: 2 });
});
