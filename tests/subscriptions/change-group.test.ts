import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Batch } from '../../src/realtime/feed.ts';
import { ChangeGroup, ChangeMember } from '../../src/subscriptions/change-group.ts';
import { Payload, type StreamEnd } from '../../src/subscriptions/result-stream.ts';
import { Subscriber } from '../../src/subscriptions/subscriber.ts';

/** A group of so many clients whose executions a test ends itself, oldest first. */
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
    const told: string[] = [];
    const ends: StreamEnd[] = [];
    const subscriber = new Subscriber(
      {
        unsentBytes: 0,
        next: ({ json }) => told.push(json) > 0,
        end: (reason) => ends.push(reason),
      },
      () => {},
    );
    group.join(new ChangeMember(subscriber, 0, false));
    return { told, ends };
  });
  const batch = { changes: [{}] } as unknown as Batch;
  return {
    group,
    joined,
    executions: () => executions,
    offer: (number: number) => group.offer(number, batch),
    end: (...told: string[]) => running.shift()?.resolve(told.map((json) => new Payload(json))),
    fail: () => running.shift()?.reject(new Error('Away')),
    /** How many have been told so many results. */
    toldOf: (results: number) => joined.filter(({ told }) => told.length >= results).length,
  };
}

it('executes the next batch while many clients are told of the one before, and tells it after', async () => {
  const { group, joined, executions, offer, end, toldOf } = createGroup(1_000);
  offer(1);
  offer(2);
  end('first', 'second');
  while (executions() < 2) await setImmediate();
  const toldBeforeSecondExecution = toldOf(2);
  end('third');
  await group.settled();

  expect(toldBeforeSecondExecution).toBe(0);
  expect(joined.map(({ told }) => told)).toEqual(joined.map(() => ['first', 'second', 'third']));
});

it('lets other work in while it tells many clients', async () => {
  const { group, offer, end, toldOf } = createGroup(1_000);
  offer(1);
  end('first');
  let turns = 0;
  for (; toldOf(1) < 1_000; turns += 1) await setImmediate();
  await group.settled();

  expect(turns).toBeGreaterThan(5);
});

it('takes what is offered while the last results are told', async () => {
  const { group, joined, executions, offer, end, toldOf } = createGroup(1_000);
  offer(1);
  end('first');
  while (toldOf(1) < 1_000) await setImmediate();
  offer(2);
  while (executions() < 2) await setImmediate();
  end('second');
  await group.settled();

  expect(joined.map(({ told }) => told)).toEqual(joined.map(() => ['first', 'second']));
});

it('ends its clients when an execution fails while they are told of the one before', async () => {
  const { group, joined, executions, offer, end, fail } = createGroup(1_000);
  offer(1);
  offer(2);
  end('first');
  while (executions() < 2) await setImmediate();
  fail();
  await group.settled();

  for (const { told, ends } of joined) {
    expect(ends.map(({ outcome }) => outcome)).toEqual(['resume']);
    // Told before the end or never: what follows a gap would be lost.
    expect(['', 'first']).toContain(told.join());
  }
});
