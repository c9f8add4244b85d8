/** Runs at most `count` pieces of work at a time; the others wait in order. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((begin) => this.#waiting.push(begin));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}

/** Runs at most `count` pieces of work of each key at a time; keys do not wait for each other. */
export class TurnsByKey {
  readonly #count: number;
  readonly #turns = new Map<string, { turns: Turns; users: number }>();

  constructor(count: number) {
    this.#count = count;
  }

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const own = this.#turns.get(key) ?? { turns: new Turns(this.#count), users: 0 };
    this.#turns.set(key, own);
    own.users += 1;
    try {
      return await own.turns.take(work);
    } finally {
      own.users -= 1;
      if (own.users === 0) this.#turns.delete(key);
    }
  }
}
