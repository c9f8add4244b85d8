import type { Holder, Quotas } from '../../context/quotas.ts';
import { EventStream } from './event-stream.ts';

/** How long a reservation waits for its client. */
const RESERVATION_MS = 30_000;

/** Who may use a stream: a person or an agent, in a workspace or in none. */
export interface StreamOwner {
  person: string;
  workspace: string | null;
}

interface Reservation extends StreamOwner {
  events: EventStream;
  /** The holders that the stream counts for. */
  holders: readonly Holder[];
  /** When the reservation ends, unless the stream is open by then. */
  until: number;
}

/** The streams of single connection mode, by the token that their clients name them by. */
export class StreamReservations {
  readonly #quotas: Quotas;
  readonly #reservations = new Map<string, Reservation>();

  constructor(quotas: Quotas) {
    this.#quotas = quotas;
  }

  /** Reserves a stream. Throws TOO_MANY_SUBSCRIPTIONS where the holders have no more. */
  reserve(owner: StreamOwner, holders: readonly Holder[]): EventStream {
    this.#makeRoom(owner.person, holders);
    const release = this.#quotas.take('streams', holders);
    const events = new EventStream(() => {
      release();
      this.#reservations.delete(events.token);
    });
    const until = Date.now() + RESERVATION_MS;
    this.#reservations.set(events.token, { ...owner, events, holders, until });
    return events;
  }

  /** Returns the stream with this token; undefined for another client's, like for a missing one. */
  find(token: string, { person, workspace }: StreamOwner): EventStream | undefined {
    const found = this.#reservations.get(token);
    return found?.person === person && found.workspace === workspace ? found.events : undefined;
  }

  /** Gives up streams that were not opened in time. */
  sweep(): void {
    const now = Date.now();
    for (const { events, until } of this.#reservations.values()) {
      if (!events.isOpen && until < now) events.close();
    }
  }

  /** Clients that connect again leave old streams open. */
  #makeRoom(person: string, holders: readonly Holder[]): void {
    const full = this.#quotas.fullOf('streams', holders);
    if (!full) return;
    const unused = [...this.#reservations.values()].find(
      (reservation) =>
        reservation.person === person &&
        reservation.events.size === 0 &&
        reservation.holders.some(({ scope, id }) => scope === full.scope && id === full.id),
    );
    unused?.events.close();
  }
}
