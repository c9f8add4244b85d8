import { createHash } from 'node:crypto';

const RANGE = 2 ** 32;

/** Numbers that look random and are the same for the same seed. */
export class Random {
  readonly #seed: string;
  readonly #state: Uint32Array;

  constructor(seed: string) {
    this.#seed = seed;
    const digest = createHash('sha256').update(seed).digest();
    this.#state = Uint32Array.from([0, 4, 8, 12], (offset) => digest.readUInt32LE(offset));
  }

  /** Independent numbers for a part: the draws of other parts do not change them. */
  of(part: string): Random {
    return new Random(`${this.#seed}/${part}`);
  }

  /** From 0 to 1, by the generator sfc32. */
  next(): number {
    const [a = 0, b = 0, c = 0, counter = 0] = this.#state;
    const sum = (a + b + counter) | 0;
    this.#state[0] = b ^ (b >>> 9);
    this.#state[1] = (c + (c << 3)) | 0;
    this.#state[2] = (((c << 21) | (c >>> 11)) + sum) | 0;
    this.#state[3] = counter + 1;
    return (sum >>> 0) / RANGE;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** Returns the list in another order. */
  shuffled<T>(list: readonly T[]): T[] {
    return list
      .map((each): [number, T] => [this.next(), each])
      .sort(([a], [b]) => a - b)
      .map(([, each]) => each);
  }

  /** Mostly small, sometimes large. */
  around(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }
}
