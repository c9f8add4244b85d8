import { setImmediate } from 'node:timers/promises';
import { Stop } from '../context/stop.ts';
import type { Payload, StreamEnd } from './result-stream.ts';
import { NO_SUBSCRIBERS, type Subscriber } from './subscriber.ts';

/** Clients served before others get a turn: 1,000 writes in a row block the process for 5 ms and more. */
const CLIENTS_PER_TURN = 100;

/** A subscriber in a group. */
export interface GroupMember {
  readonly subscriber: Subscriber;
}

export interface GroupEvents {
  /** A result has been handed to the last of its clients. */
  onDelivered(clients: number, payload: Payload): void;
  onEmpty(): void;
}

/** All clients that get the same results: each result is computed once for any number of clients. */
export abstract class Group<Member extends GroupMember> {
  protected readonly members = new Set<Member>();
  /** Stops when the last member has left: reads for the group are no longer needed. */
  protected readonly emptied = new Stop();
  readonly #events: GroupEvents;

  constructor(events: GroupEvents) {
    this.#events = events;
  }

  join(member: Member): void {
    this.members.add(member);
  }

  leave(member: Member): void {
    if (!this.members.delete(member) || this.members.size > 0) return;
    this.onEmptied();
    this.emptied.stop(NO_SUBSCRIBERS);
    this.#events.onEmpty();
  }

  /** Ends the streams of all members. */
  end(reason: StreamEnd): void {
    for (const { subscriber } of this.members) subscriber.end(reason);
  }

  /** Drops what still waits to be done for the members. */
  protected abstract onEmptied(): void;

  /** Hands a result to all members. `deliverTo` returns what a member was sent, null for nothing. */
  protected async deliverToAll(deliverTo: (member: Member) => Payload | null): Promise<void> {
    let clients = 0;
    let last: Payload | null = null;
    for (const member of this.members) {
      const payload = deliverTo(member);
      if (!payload) continue;
      last = payload;
      clients += 1;
      if (clients % CLIENTS_PER_TURN === 0) await setImmediate();
    }
    if (last) this.delivered(clients, last);
  }

  protected delivered(clients: number, payload: Payload): void {
    this.#events.onDelivered(clients, payload);
  }
}
