import { hash } from 'node:crypto';

/** Returns the UUID that belongs to a name, shaped like version 5 of RFC 9562. */
export function uuidOf(name: string): string {
  const digest = hash('sha1', name);
  const variant = '89ab'[Number.parseInt(digest.charAt(16), 16) & 3];
  return (
    `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-` +
    `${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`
  );
}

/** Reproducible random choices: the same label, the same sequence. */
export class Random {
  #state: number;

  constructor(label: string) {
    this.#state = Number.parseInt(hash('sha1', label).slice(0, 8), 16);
  }

  /** Returns a number from 0 up to but not including 1 (the mulberry32 generator). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns an integer between two bounds, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** Returns a number between two bounds, rounded to so many digits. */
  decimal(min: number, max: number, digits = 2): number {
    return Number((min + this.next() * (max - min)).toFixed(digits));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return at(list, this.int(0, list.length - 1));
  }

  /** Returns different items of the list, all of them if it has no more. */
  sample<T>(list: readonly T[], count: number): T[] {
    const rest = [...list];
    const chosen: T[] = [];
    while (chosen.length < count && rest.length > 0) {
      chosen.push(...rest.splice(this.int(0, rest.length - 1), 1));
    }
    return chosen;
  }
}

/** Returns the item at a place that wraps round at the end of the list. Throws on an empty one. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[((index % list.length) + list.length) % list.length];
  if (item === undefined) throw new RangeError('The list is empty.');
  return item;
}
