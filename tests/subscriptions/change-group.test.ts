import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Batch } from '../../src/realtime/feed.ts';
import { ChangeGroup, ChangeMember } from '../../src/subscriptions/change-group.ts';
import { Payload, type StreamEnd } from '../../src/subscriptions/result-stream.ts';
import { Subscriber } from '../../src/subscriptions/subscriber.ts';

/** A group with a number of clients. The test ends its executions, oldest first. */
function createGroup(clients: number) {
  const running: { resolve(payloads: Payload[]): void; reject(error: Error): void }[] = [];
  let executions = 0;
  const group = new ChangeGroup(
    () => {
      executions += 1;
      return new Promise((resolve, reject) => running.push({ resolve, reject }));
    },
    { onDelivered: () => {}, onEmpty: () => {} },
  );
  const joined = Array.from({ length: clients }, () => {
    const received: string[] = [];
    const ends: StreamEnd[] = [];
    const subscriber = new Subscriber(
      {
        unsentBytes: 0,
        next: ({ json }) => received.push(json) > 0,
        end: (reason) => ends.push(reason),
      },
      () => {},
    );
    group.join(new ChangeMember(subscriber, 0, false));
    return { received, ends };
  });
  const batch = { changes: [{}] } as unknown as Batch;
  return {
    group,
    joined,
    executions: () => executions,
    offer: (number: number) => group.offer(number, batch),
    end: (...received: string[]) =>
      running.shift()?.resolve(received.map((json) => new Payload(json))),
    fail: () => running.shift()?.reject(new Error('Away')),
    /** The number of clients that have received at least this many results. */
    clientsWith: (results: number) =>
      joined.filter(({ received }) => received.length >= results).length,
  };
}

it('executes the next batch while it delivers the last one, and delivers both in order', async () => {
  const { group, joined, executions, offer, end, clientsWith } = createGroup(1_000);
  offer(1);
  offer(2);
  end('first', 'second');
  while (executions() < 2) await setImmediate();
  const receivedEarly = clientsWith(2);
  end('third');
  await group.settled();

  expect(receivedEarly).toBe(0);
  expect(joined.map(({ received }) => received)).toEqual(
    joined.map(() => ['first', 'second', 'third']),
  );
});

it('yields to other work while it delivers to many clients', async () => {
  const { group, offer, end, clientsWith } = createGroup(1_000);
  offer(1);
  end('first');
  let turns = 0;
  for (; clientsWith(1) < 1_000; turns += 1) await setImmediate();
  await group.settled();

  expect(turns).toBeGreaterThan(5);
});

it('accepts a batch while the last results are delivered', async () => {
  const { group, joined, executions, offer, end, clientsWith } = createGroup(1_000);
  offer(1);
  end('first');
  while (clientsWith(1) < 1_000) await setImmediate();
  offer(2);
  while (executions() < 2) await setImmediate();
  end('second');
  await group.settled();

  expect(joined.map(({ received }) => received)).toEqual(joined.map(() => ['first', 'second']));
});

it('ends all clients when an execution fails while the previous results are delivered', async () => {
  const { group, joined, executions, offer, end, fail } = createGroup(1_000);
  offer(1);
  offer(2);
  end('first');
  while (executions() < 2) await setImmediate();
  fail();
  await group.settled();

  for (const { received, ends } of joined) {
    expect(ends.map(({ outcome }) => outcome)).toEqual(['resume']);
    // Delivered before the end or not at all: the client resumes after the last result it got.
    expect(['', 'first']).toContain(received.join());
  }
});
