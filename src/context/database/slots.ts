import type { Stop } from '../stop.ts';
import { SqlStateError } from './database-errors.ts';

/** A semaphore: so many may hold a slot at a time, and the others wait in order. */
export class Slots {
  #count: number;
  #used = 0;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#count = count;
  }

  /** Takes a slot if one is free. Returns whether it did. */
  takeNow(): boolean {
    const isFree = this.#used < this.#count;
    if (isFree) this.#used += 1;
    return isFree;
  }

  /**
   * Resolves when it has a slot. Rejects with the reason when `stop` comes first, and like a failed
   * connection after `timeoutMs`.
   */
  async take(stop: Stop, timeoutMs?: number): Promise<void> {
    stop.throwIfStopped();
    if (this.takeNow()) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (act: () => void) => {
        this.#waiting.delete(admit);
        clearTimeout(timer);
        unlisten();
        act();
      };
      const admit = () => settle(resolve);
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => settle(() => reject(noneInTime())), timeoutMs);
      this.#waiting.add(admit);
      const unlisten = stop.listen((reason) => settle(() => reject(reason)));
    });
  }

  give(): void {
    this.#used -= 1;
    this.#admit();
  }

  /** Changes the number of slots. */
  resize(count: number): void {
    this.#count = count;
    this.#admit();
  }

  #admit(): void {
    for (const admit of this.#waiting) {
      if (this.#used >= this.#count) return;
      this.#used += 1;
      admit();
    }
  }
}

function noneInTime(): SqlStateError {
  return new SqlStateError('08006', 'FATAL', 'No connection was free in time');
}
