import type { Stop } from '../stop.ts';

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

  /** Resolves when there is one; rejects with the reason when `stop` comes first. */
  async take(stop: Stop): Promise<void> {
    stop.throwIfStopped();
    if (this.takeNow()) return;
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        unlisten();
        resolve();
      };
      this.#waiting.add(admit);
      const unlisten = stop.listen((reason) => {
        this.#waiting.delete(admit);
        reject(reason);
      });
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
      this.#waiting.delete(admit);
      this.#used += 1;
      admit();
    }
  }
}
