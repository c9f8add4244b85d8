import type { Socket } from 'node:net';
import { Work } from '../context/work.ts';

/**
 * Stops the work of an HTTP request when its client leaves, that is when the connection ends.
 * Node does not notify a request that waits behind another one on its connection.
 */
export class Departures {
  readonly #working = new WeakMap<Socket, Set<Work>>();

  /** Runs a request. Its work ends if the connection closes. */
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
    const leave = () => {
      for (const work of working) work.leave();
    };
    // Node ends its side, too, so no answer can be sent any more. It may be closed much later.
    socket.once('end', leave);
    socket.once('close', leave);
    return working;
  }
}
