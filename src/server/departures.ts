import type { Socket } from 'node:net';
import { Work } from '../context/work.ts';

/**
 * Tells the work of HTTP requests that their client has gone. That is when the connection closes,
 * which requests know nothing of that wait behind another one.
 */
export class Departures {
  readonly #working = new WeakMap<Socket, Set<Work>>();

  /** Runs a request, whose work ends when the connection closes meanwhile. */
  async during(socket: Socket, run: (work: Work) => Promise<void>): Promise<void> {
    const work = new Work();
    if (socket.destroyed) work.leave();
    const working = this.#on(socket);
    working.add(work);
    try {
      await run(work);
    } finally {
      working.delete(work);
    }
  }

  #on(socket: Socket): Set<Work> {
    const known = this.#working.get(socket);
    if (known) return known;
    const working = new Set<Work>();
    this.#working.set(socket, working);
    socket.once('close', () => {
      for (const work of working) work.leave();
    });
    return working;
  }
}
