import type { Stop } from '../stop.ts';
import { SqlStateError } from './database-errors.ts';

/** Lets so many have something at a time; the others wait, first come, first served. */
export class Slots {
  #count: number;
  #used = 0;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#count = count;
  }

  /** Takes one if there is one. Returns whether there was. */
  takeNow(): boolean {
    const isFree = this.#used < this.#count;
    if (isFree) this.#used += 1;
    return isFree;
  }

  /**
   * Resolves when there is one. Rejects with the reason when `stop` comes first, and like a connection
   * that cannot be made after `timeoutMs`.
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

  /** Changes how many there are. */
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
